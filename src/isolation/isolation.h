// What every isolation has in common: it can examine a host, and it can make, find again and remove sandboxes.
// container/ owns the OCI state machine, the state folder and the hooks; it knows isolations through this header only.
#pragma once

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "oci/config.h"
#include "oci/state.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace bulkhead::isolation {

// One thing that an isolation needs of the host. `bulkhead check` prints it, create refuses by it.
struct Finding {
    enum class Verdict { fine, limited, missing };
    std::string subject; // "user namespaces"
    Verdict verdict = Verdict::fine;
    std::string detail; // what was tried and seen
    std::string advice; // what to do; empty when fine
};

enum class HookKind { prestart, create_runtime, create_container, start_container, poststart, poststop };

// How the container's first process, or a process of exec, is connected.
struct ProcessIo {
    std::string console_socket; // unix socket that receives the terminal's master; empty: none
    unsigned preserve_fds = 0; // descriptors 3 .. 3+N-1 are passed on (LISTEN_FDS come on top)
    std::string pidfd_socket; // unix socket that receives a pidfd of the process; empty: none
    bool detach = true; // false: the caller waits for the process
};

// All that create needs. Strings are absolute host paths where they are paths.
struct SandboxPlan {
    std::string id;
    std::string bundle;
    std::string root; // the root file system, resolved against the bundle
    oci::Config config; // parsed and validated
    std::string config_text; // the text it was parsed from
    std::string state_path; // this container's own state folder: <root>/<id>; holds config.json, a copy of config_text
    std::string cache_path; // where compiled things may be kept between containers: <root>/.cache; made by whoever needs it
    ProcessIo io;
    bool systemd_cgroup = false;
    bool rootless = false; // the caller has no privileges on the host
    bool no_pivot = false;
    bool no_new_keyring = false;
    bool own_init = false; // process 1 is ours: it starts the program, reaps orphans and hands signals on
    bool start_at_once = false; // `run`: the program may start as soon as create is through (no start_container wait)
};

// What create asks of its caller on the way. Each may be called once.
struct CreateEvents {
    // The namespaces exist and pid is known, the root is not yet entered: prestart, then createRuntime hooks.
    std::function<Result<Unit>(pid_t)> on_namespaces;
    // The sandbox is about to have something on the host that must not be forgotten (a cgroup): record it now.
    std::function<Result<Unit>()> on_record;
    // The first process exists (in status creating): record it now.
    std::function<Result<Unit>(pid_t)> on_process;
};

// What exec needs.
struct ExecPlan {
    oci::Process process;
    ProcessIo io;
    std::string cgroup; // --cgroup: a path below the container's own, or "controller:path"; empty: the same
    bool ignore_paused = false;
    bool no_new_keyring = true;
};

// A process that was started and, when asked for, can be waited for by this very process.
struct StartedProcess {
    pid_t pid = 0;
    File pidfd;
};

class Pausable {
public:
    virtual ~Pausable() = default;
    virtual Result<Unit> pause() = 0;
    virtual Result<Unit> resume() = 0;
};

// One reading of the resources a sandbox uses: JSON in the shape that `events --stats` prints under "data".
class Measurable {
public:
    virtual ~Measurable() = default;
    virtual Result<std::string> stats_json() = 0;
    // Blocks until the next OOM kill in the sandbox (true) or until the sandbox is gone (false), at most MILLISECONDS
    // (then Errno::timedout); negative: no limit.
    virtual Result<bool> wait_for_oom(int milliseconds) = 0;
};

class Updatable {
public:
    virtual ~Updatable() = default;
    // RESOURCES holds only what is to change.
    virtual Result<Unit> update(oci::Resources const& resources) = 0;
};

struct CheckpointOptions {
    std::string criu; // the program; empty: "criu" out of PATH
    std::string image_path;
    std::string work_path;
    std::string parent_path;
    bool leave_running = false;
    bool tcp_established = false;
    bool tcp_skip_in_flight = false;
    bool link_remap = false;
    bool ext_unix_sk = false;
    bool shell_job = false;
    bool lazy_pages = false;
    int status_fd = -1;
    std::string page_server;
    bool file_locks = false;
    bool pre_dump = false;
    std::string manage_cgroups_mode;
    std::vector<std::string> empty_ns;
    bool auto_dedup = false;
    std::string lsm_profile;
    std::string lsm_mount_context;
    bool detach = false; // restore only
};

class Checkpointable {
public:
    virtual ~Checkpointable() = default;
    virtual Result<Unit> checkpoint(CheckpointOptions const&) = 0;
};

// A live or dead sandbox of one container.
class Sandbox {
public:
    virtual ~Sandbox() = default;

    // Everything up to the point where the user's program only waits to be started. On an error nothing is left behind.
    virtual Result<Unit> create(SandboxPlan const&, CreateEvents const&) = 0;
    // As create, but the processes come from a checkpoint's images.
    virtual Result<Unit> restore(SandboxPlan const&, CheckpointOptions const&, CreateEvents const&);
    // Lets the created program run. An error says why it could not be executed.
    virtual Result<Unit> start() = 0;
    // Sends a signal to the first process, or to every process.
    enum class Target { first_process, every_process };
    virtual Result<Unit> signal(int number, Target) = 0;
    // Runs one more process inside.
    virtual Result<StartedProcess> exec(ExecPlan const&) = 0;
    // Host pids of every process inside.
    virtual Result<std::vector<pid_t>> processes() = 0;
    // Kills what is left and removes every trace on the host. Safe to call twice, and on a half-made sandbox.
    virtual Result<Unit> remove() = 0;

    // creating, created, running, paused or stopped, as seen now.
    virtual oci::Status status() const = 0;
    // The first process on the host; 0 before there is one.
    virtual pid_t pid() const = 0;
    // What load() needs to find it all again: members of an open JSON object.
    virtual void save(JsonWriter&) const = 0;

    virtual Pausable* as_pausable() { return nullptr; }
    virtual Measurable* as_measurable() { return nullptr; }
    virtual Updatable* as_updatable() { return nullptr; }
    virtual Checkpointable* as_checkpointable() { return nullptr; }
};

class Isolation {
public:
    virtual ~Isolation() = default;
    virtual std::string_view name() const = 0;
    // What this isolation needs of the host, found by trying.
    virtual std::vector<Finding> examine() const = 0;
    // Words that it understands in config.json's mounts, for `features`; sorted.
    virtual std::vector<std::string_view> mount_options() const { return {}; }
    // Called before create or exec has done anything, with the container's configuration: some of them make it possible
    // for others to look at the runtime's own process, which then runs itself again in a form that does not matter.
    enum class Occasion { create, exec };
    virtual Result<Unit> protect_runtime(oci::Config const&, Occasion) const { return ok(); }
    // An empty sandbox, to be created.
    virtual Result<std::unique_ptr<Sandbox>> make_sandbox() const = 0;
    // One that an earlier command saved.
    virtual Result<std::unique_ptr<Sandbox>> load_sandbox(JsonObject const& saved) const = 0;
};

} // namespace bulkhead::isolation
