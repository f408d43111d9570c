// A root made of the host's own: everything is there, nothing can be changed. Overlays whose upper layers are on a tmpfs
// stand over the host's file systems, in a mount namespace of this process (and what it starts), so that all of it
// vanishes with them and the host never sees it.
#pragma once

#include "base/result.h"
#include "do/mount_table.h"

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::do_command {

// From here on mounts of this process are its own. Without privileges on the host a user namespace comes first, in which
// the caller is root and the only user. Only for a process with one thread.
enum class Privileges { host, none };
Result<Unit> enter_private_namespaces(Privileges);

class PrivateRoot {
public:
    // Mounts its tmpfs on FOLDER, which exists and stays empty for everybody else.
    static Result<PrivateRoot> build(std::string folder, Privileges);
    std::string path() const { return m_folder + "/root"; }
    // Shows the host's folder PATH, below /tmp or /run, through the private ones: with an overlay, too.
    Result<Unit> show(std::string const& path);
    // Whether a host path is in the root, as folder or file.
    bool has(std::string const& path) const;

private:
    PrivateRoot(std::string folder, Privileges privileges)
        : m_folder(std::move(folder))
        , m_privileges(privileges)
    {
    }
    Result<Unit> mount_layers();
    Result<Unit> lay(std::string const& path, int depth);
    Result<Unit> lay_by_hand(std::string const& path, int depth);
    Result<Unit> lay_entry(std::string const& path, unsigned char kind, int depth);
    SysResult<Unit> overlay(std::string const& path);
    SysResult<Unit> bind_read_only(std::string const& path);
    Result<Unit> replace_by_tmpfs(std::string const& path, char const* mode);
    std::string inside(std::string const& path) const { return m_folder + "/root" + (path == "/" ? "" : path); }

    std::string m_folder;
    Privileges m_privileges;
    std::vector<MountEntry> m_mounts;
    unsigned m_layers = 0;
};

} // namespace bulkhead::do_command
