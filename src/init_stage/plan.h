// What the runtime tells the init stage: the last, tiny program between the runtime and the user's program. One Plan,
// followed by its variable parts, stands in a memfd whose descriptor number ends the stage's argv[0]
// ("bulkhead-init:7"); the rest of argv, and envp, are the user program's own.
// Plain data without any library: the stage is freestanding.
#pragma once

#include <cstdint>

namespace bulkhead::init_stage {

constexpr std::uint32_t plan_magic = 0x42484453;
constexpr std::uint32_t max_plan_size = 256 * 1024;
constexpr std::uint32_t no_umask = 0xffffffff;

// How the stage learns that it may go on.
enum class Gate : std::uint32_t {
    none = 0, // at once
    sync = 1, // one message on the sync socket (`run`, `exec`)
    listen = 2, // one connection to the listening socket (`start`)
};

enum PlanFlags : std::uint32_t {
    set_groups = 1, // call setgroups(2); off where the user namespace denies it
    no_new_privs = 2,
    seccomp_listener = 4, // load the filter before the gate and hand its descriptor to the runtime
    drop_bounding = 8,
    own_init = 16, // the stage stays as process 1, and the program is its child
};

// A part of the plan by offset from its beginning and length in bytes. Text parts end with a NUL that is counted.
struct Part {
    std::uint32_t offset;
    std::uint32_t length;
};

struct Plan {
    std::uint32_t magic;
    std::uint32_t size;
    std::uint32_t flags;
    Gate gate;
    std::int32_t sync_fd; // seqpacket socket to the runtime
    std::int32_t gate_fd; // listening socket, with Gate::listen
    std::int32_t proc_fd; // the container's /proc, for label; -1: none
    std::uint32_t first_closed_fd; // from here on nothing is passed to the program
    std::uint32_t uid;
    std::uint32_t gid;
    std::uint32_t umask; // no_umask: unchanged
    std::uint32_t last_capability;
    std::uint64_t bounding;
    std::uint64_t effective;
    std::uint64_t permitted;
    std::uint64_t inheritable;
    std::uint64_t ambient;
    std::uint32_t seccomp_flags;
    std::uint32_t reserved;
    Part groups; // std::uint32_t each
    Part program; // path to execute
    Part directory; // chdir here after the ids are set; empty: stay
    Part label_file; // below proc_fd: "thread-self/attr/exec"
    Part label;
    Part filter; // struct sock_filter each
};
static_assert(sizeof(Plan) == 12 * 4 + 5 * 8 + 2 * 4 + 6 * 8);

// Where the stage stood when something failed.
enum class Step : std::uint32_t { plan, label, groups, ids, capabilities, directory, gate, seccomp, execute };

// Messages from the stage: one byte of kind, then for `failed` these.
constexpr char message_ready = 'R';
constexpr char message_listener = 'L'; // Failure::code holds the descriptor number
constexpr char message_failed = 'E';
// Messages to the stage.
constexpr char message_go = 'G';

struct Failure {
    Step step;
    std::int32_t code; // errno
};

} // namespace bulkhead::init_stage
