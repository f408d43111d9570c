#include "host/user_namespace.h"
#include "base/text.h"
#include "host/process.h"

#include <array>
#include <csignal>

#include <linux/capability.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char** environ;

namespace bulkhead::host {

namespace {

std::string map_text(std::vector<IdRange> const& ranges)
{
    std::string text;
    for (auto const& range : ranges)
        text += std::to_string(range.inside) + " " + std::to_string(range.outside) + " " + std::to_string(range.size) + "\n";
    return text;
}

// Runs newuidmap or newgidmap, which are set-user-id and allow what /etc/subuid and /etc/subgid grant.
Result<Unit> run_map_tool(std::string const& tool, pid_t pid, std::vector<IdRange> const& ranges)
{
    std::vector<std::string> words { tool, std::to_string(pid) };
    for (auto const& range : ranges) {
        words.push_back(std::to_string(range.inside));
        words.push_back(std::to_string(range.outside));
        words.push_back(std::to_string(range.size));
    }
    std::vector<char*> arguments;
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t child = 0;
    int failure = ::posix_spawnp(&child, tool.c_str(), nullptr, nullptr, arguments.data(), environ);
    if (failure != 0)
        return Error { .code = static_cast<Errno>(failure),
            .message = "run \"" + tool + "\": " + errno_text(static_cast<Errno>(failure)),
            .hint = "install the package uidmap, or map only your own id" };
    auto status = TRY(wait_for_exit(child).or_error("wait for \"" + tool + "\""));
    if (status != 0)
        return Error { .code = Errno::perm,
            .message = "\"" + tool + "\" refused the id map (exit status " + std::to_string(status) + ")",
            .hint = "see which ids /etc/subuid and /etc/subgid grant to this user" };
    return ok();
}

} // namespace

bool has_host_privileges()
{
    if (::geteuid() != 0)
        return false;
    __user_cap_header_struct header { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
    std::array<__user_cap_data_struct, 2> sets {};
    if (::syscall(SYS_capget, &header, sets.data()) < 0)
        return false;
    return (sets[0].effective & (1U << CAP_SYS_ADMIN)) && !is_in_user_namespace();
}

bool is_in_user_namespace()
{
    auto map = read_file_at(FileView::current_directory(), "/proc/self/uid_map", 65536);
    if (map.is_error())
        return false;
    auto lines = split(trim(map.value()), '\n');
    std::vector<std::string> words;
    for (auto word : split(lines[0], ' ')) {
        if (!word.empty())
            words.emplace_back(word);
    }
    return !(lines.size() == 1 && words.size() == 3 && words[0] == "0" && words[1] == "0" && words[2] == "4294967295");
}

Result<Unit> write_id_maps(pid_t pid, IdMaps const& maps)
{
    auto folder_path = "/proc/" + std::to_string(pid);
    auto folder = TRY(open_file(folder_path, O_PATH | O_DIRECTORY));
    bool is_privileged = has_host_privileges();
    auto own_uid = ::geteuid();
    auto own_gid = ::getegid();
    bool only_own_uid = maps.uids.size() == 1 && maps.uids[0].size == 1 && maps.uids[0].outside == own_uid;
    bool only_own_gid = maps.gids.size() == 1 && maps.gids[0].size == 1 && maps.gids[0].outside == own_gid;

    // Root inside another user namespace may map any ids that it has itself, so the direct way is tried first.
    if (is_privileged || only_own_uid || own_uid == 0) {
        auto written = write_existing_at(folder, "uid_map", map_text(maps.uids));
        if (written.is_error())
            return Error { .code = written.error(),
                .message = "write the uid map of the user namespace: " + errno_text(written.error()),
                .hint = "linux.uidMappings may only use ids that this process has itself" };
    } else {
        TRY(run_map_tool("newuidmap", pid, maps.uids));
    }
    if (is_privileged || only_own_gid || own_uid == 0) {
        // Without privileges a process may map its own gid only after giving up setgroups(2), see user_namespaces(7).
        if (!is_privileged && only_own_gid)
            TRY(write_existing_at(folder, "setgroups", "deny").or_error("deny setgroups in the user namespace"));
        auto written = write_existing_at(folder, "gid_map", map_text(maps.gids));
        if (written.is_error())
            return Error { .code = written.error(),
                .message = "write the gid map of the user namespace: " + errno_text(written.error()),
                .hint = "linux.gidMappings may only use ids that this process has itself" };
    } else {
        TRY(run_map_tool("newgidmap", pid, maps.gids));
    }
    return ok();
}

} // namespace bulkhead::host
