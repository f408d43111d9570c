// Where a measurement happens: a mount namespace of its own, a temporary folder with bundles and state, gone afterwards.
#pragma once

#include "base/file.h"
#include "base/result.h"

#include <string>
#include <vector>

namespace bulkhead::bench {

class Workspace {
public:
    // From here on mounts of this process are its own. Only for a process with one thread.
    static Result<Workspace> make();
    Workspace(Workspace&& other) noexcept;
    Workspace& operator=(Workspace&&) = delete;
    ~Workspace();

    std::string program() const { return m_path + "/program"; } // the bench's tiny static program
    std::string true_bundle() const { return m_path + "/true"; } // its container ends at once
    std::string waiting_bundle() const { return m_path + "/waiting"; } // its container waits for ever
    std::string root() const { return m_path + "/root"; } // the root file system of both
    std::string errors() const { return m_path + "/errors"; } // what commands say on standard error
    std::string state_of(std::string const& runtime) const { return m_path + "/state/" + runtime; }
    std::string const& cgroup_layout() const { return m_cgroup_layout; }
    std::vector<std::string> const& groups() const { return m_groups; } // our own folder in each hierarchy

private:
    explicit Workspace(std::string path)
        : m_path(std::move(path))
    {
    }
    Result<Unit> fill();
    Result<Unit> look_at_cgroups();

    std::string m_path;
    std::string m_cgroup_layout;
    std::vector<std::string> m_groups;
};

// A config.json as Docker writes it for a plain container, with a filter of about the size of Docker's.
std::string docker_like_config(std::string const& root, std::vector<std::string> const& command, std::string const& bound_file);

} // namespace bulkhead::bench
