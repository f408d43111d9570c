// One run of the program: the global flags, and what commands derive from them.
#pragma once

#include "cli/command_line.h"
#include "container/containers.h"

#include <string>

namespace bulkhead::cli {

// References into the command that declared them.
struct GlobalFlags {
    bool const& debug;
    std::string const& log;
    std::string const& log_format;
    std::string const& root;
    bool const& systemd_cgroup;
    std::string const& rootless;
    std::string const& criu;
    std::string const& isolation;
    std::string const& settings;
    bool const& version;
};
GlobalFlags add_global_flags(Command&);

class Session {
public:
    Session(GlobalFlags const& global_flags, std::string started_as)
        : flags(global_flags)
        , program_name(std::move(started_as))
    {
    }

    // Opens the log that --log names, checks the values of the global flags.
    Result<Unit> begin();
    Result<container::Containers> containers() const;
    Result<container::Container> load(std::string const& id) const;
    // For a new container.
    Result<isolation::Isolation const*> isolation_for(oci::Config const&) const;
    // Whether we have no privileges on the host: --rootless, or as it is.
    Result<bool> is_rootless() const;
    bool has_log_file() const { return m_log.is_open(); }

    GlobalFlags const flags;
    std::string const program_name;

private:
    File m_log;
};

// To standard output; a closed pipe is an error like any other.
Result<Unit> print(std::string_view text);

} // namespace bulkhead::cli
