#include "install/install.h"

#include "base/file.h"
#include "base/text.h"
#include "install/changes.h"
#include "install/engine_config.h"

#include <algorithm>
#include <csignal>

#include <dirent.h>
#include <unistd.h>

namespace bulkhead::install {

namespace {

struct EngineFacts {
    Engine engine;
    std::string_view name;
    std::string_view config;
};

constexpr EngineFacts engines[] = {
    { Engine::docker, "docker", "/etc/docker/daemon.json" },
    { Engine::podman, "podman", "/etc/containers/containers.conf.d/bulkhead.conf" },
    { Engine::containerd, "containerd", "/etc/containerd/config.toml" },
};

EngineFacts const& facts_of(Engine engine)
{
    return *std::find_if(std::begin(engines), std::end(engines), [&](EngineFacts const& one) { return one.engine == engine; });
}

class Work {
public:
    explicit Work(Request const& request)
        : m_request(request)
        , m_facts(facts_of(request.engine))
        , m_config(request.config_path.empty() ? std::string(m_facts.config) : request.config_path)
        , m_changes(request.only_say)
    {
    }

    Result<Outcome> install()
    {
        auto binary = m_request.binary_path.empty() ? place_of_program() : m_request.binary_path;
        // The configuration is made first: where it is broken, nothing at all is changed.
        auto text = TRY(config_with(entries(binary)));
        if (m_request.binary_path.empty())
            TRY(put_programs(binary));
        TRY(put_links(binary));
        TRY(m_changes.write(m_config, text));
        TRY(note_engine(true));
        return outcome(true);
    }

    Result<Outcome> uninstall()
    {
        auto before = TRY(Changes::read_or_empty(m_config));
        if (before.empty())
            m_changes.say(m_config + " does not name bulkhead");
        else
            TRY(take_out(before));
        auto left = TRY(note_engine(false));
        if (left.empty())
            TRY(remove_programs());
        return outcome(false);
    }

private:
    std::string bin() const { return m_request.prefix + "/bin/"; }
    std::string libexec() const { return m_request.prefix + "/libexec/bulkhead/"; }
    // Which engines use what we put below the prefix, one a line; there only when we put something there.
    std::string ledger() const { return libexec() + "installed-for"; }

    // Where packages and administrators put programs, this one is installed already.
    std::string place_of_program() const
    {
        for (std::string_view folder : { "/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/" })
            if (m_request.own_program == std::string(folder) + "bulkhead")
                return m_request.own_program;
        return bin() + "bulkhead";
    }

    std::vector<std::string> names() const
    {
        std::vector<std::string> all { "bulkhead" };
        for (std::size_t index = 1; index < m_request.isolations.size(); ++index)
            all.push_back("bulkhead-" + m_request.isolations[index]);
        return all;
    }

    std::vector<RuntimeEntry> entries(std::string const& binary) const
    {
        std::vector<RuntimeEntry> all;
        auto folder = binary.substr(0, binary.rfind('/') + 1);
        for (auto const& name : names())
            all.push_back({ .name = name, .path = name == "bulkhead" ? binary : folder + name });
        return all;
    }

    Result<std::string> config_with(std::vector<RuntimeEntry> const& wanted) const
    {
        auto doing = [&] { return "read " + quoted(m_config); };
        auto before = TRY(Changes::read_or_empty(m_config));
        switch (m_request.engine) {
        case Engine::docker:
            return docker_with(before, wanted).context(doing);
        case Engine::containerd:
            return containerd_with(before, wanted).context(doing);
        case Engine::podman:
            break;
        }
        if (!before.empty() && !before.starts_with(own_file_mark))
            return Error { .code = Errno::exist,
                .message = quoted(m_config) + " exists and was not written by bulkhead",
                .hint = "name another file of that folder with --config" };
        std::vector<std::string> known;
        for (auto const* path : { "/usr/share/containers/containers.conf", "/etc/containers/containers.conf" }) {
            auto text = TRY(Changes::read_or_empty(path));
            known.push_back(std::move(text));
        }
        return podman_drop_in(wanted, known);
    }

    Result<Unit> put_programs(std::string const& binary)
    {
        if (m_request.own_program == binary)
            return ok();
        TRY(m_changes.copy_program(m_request.own_program, binary));
        // Helper programs lie beside: BUILD/bin/bulkhead and BUILD/libexec/bulkhead/NAME.
        auto folder = m_request.own_program.substr(0, m_request.own_program.rfind('/') + 1) + "../libexec/bulkhead";
        for (auto const& name : files_in(folder))
            TRY(m_changes.copy_program(folder + "/" + name, libexec() + name));
        return ok();
    }

    static std::vector<std::string> files_in(std::string const& folder);

    Result<Unit> put_links(std::string const& binary)
    {
        auto folder = binary.substr(0, binary.rfind('/') + 1);
        for (auto const& name : names())
            if (name != "bulkhead")
                TRY(m_changes.link(folder + name, "bulkhead"));
        return ok();
    }

    Result<Unit> take_out(std::string const& before)
    {
        if (m_request.engine == Engine::podman) {
            if (!before.starts_with(own_file_mark))
                return Error { .code = Errno::exist, .message = quoted(m_config) + " was not written by bulkhead", .hint = "remove it by hand" };
            return m_changes.remove(m_config);
        }
        auto after = TRY((m_request.engine == Engine::docker ? docker_without(before, names()) : containerd_without(before)).context([&] {
            return "read " + quoted(m_config);
        }));
        auto backup = TRY(Changes::read_or_empty(Changes::backup_of(m_config)));
        auto meaning = trim(after);
        if (backup.empty() && (meaning.empty() || meaning == "{}"))
            TRY(m_changes.remove(m_config)); // it was not there before us
        else
            TRY(m_changes.write(m_config, is_as_before(after, backup) ? backup : after));
        return m_changes.remove(Changes::backup_of(m_config));
    }

    // Nobody else has changed it since: then it becomes byte for byte what it was, layout included.
    bool is_as_before(std::string const& after, std::string const& backup) const
    {
        if (backup.empty() || m_request.engine != Engine::docker)
            return false;
        auto normal = docker_without(backup, names());
        auto with = docker_with(backup, { { "bulkhead-probe", "/" } });
        auto back = with.is_ok() ? docker_without(with.value(), { "bulkhead-probe" }) : std::move(with);
        return normal.is_ok() && normal.value() == backup && back.is_ok() && back.value() == after;
    }

    // The names of the engines that still use the programs.
    Result<std::vector<std::string>> note_engine(bool uses)
    {
        auto text = TRY(Changes::read_or_empty(ledger()));
        std::vector<std::string> left;
        for (auto line : split(text, '\n'))
            if (!line.empty() && line != m_facts.name)
                left.emplace_back(line);
        bool is_known = !text.empty();
        if (uses)
            left.emplace_back(m_facts.name);
        bool is_ours = m_request.binary_path.empty() && m_request.own_program != place_of_program();
        if (uses && (is_ours || is_known) && !m_request.only_say) {
            Changes quiet(false);
            TRY(quiet.write(ledger(), join(left, "\n") + "\n"));
            TRY(quiet.remove(Changes::backup_of(ledger())));
        } else if (!uses && is_known && !left.empty() && !m_request.only_say) {
            Changes quiet(false);
            TRY(quiet.write(ledger(), join(left, "\n") + "\n"));
            TRY(quiet.remove(Changes::backup_of(ledger())));
        }
        if (!is_known && !uses)
            left.emplace_back("somebody else"); // nothing of ours below the prefix
        return left;
    }

    Result<Unit> remove_programs()
    {
        for (auto const& name : names())
            TRY(m_changes.remove(bin() + name));
        for (auto const& name : files_in(libexec()))
            TRY(m_changes.remove(libexec() + name));
        if (!m_request.only_say)
            ::rmdir(libexec().c_str());
        return ok();
    }

    Result<Outcome> outcome(bool installed)
    {
        Outcome result { .done = m_changes.done(), .next = {} };
        if (m_request.engine == Engine::docker)
            tell_docker(result);
        if (m_request.engine == Engine::docker && !installed)
            result.next.emplace_back("a dockerd that runs may know bulkhead until it starts again: systemctl restart docker");
        else if (m_request.engine == Engine::containerd)
            result.next.emplace_back("systemctl restart containerd");
        if (installed)
            result.next.push_back(m_request.engine == Engine::docker ? "docker run --rm --runtime=bulkhead IMAGE"
                    : m_request.engine == Engine::podman
                    ? "podman --runtime=bulkhead run --rm IMAGE"
                    : "ctr run --rm --runc-binary=bulkhead IMAGE NAME, or a RuntimeClass with handler: bulkhead");
        return result;
    }

    // dockerd reads its runtimes again on SIGHUP, but forgets the last one only when it starts again.
    void tell_docker(Outcome& result) const
    {
        auto text = read_file("/run/docker.pid", 64);
        auto pid = text.is_ok() ? parse_number<pid_t>(trim(text.value())) : std::nullopt;
        if (!pid || *pid <= 1) {
            result.next.emplace_back("systemctl start docker");
            return;
        }
        auto comm = read_file("/proc/" + std::to_string(*pid) + "/comm", 64);
        bool is_docker = comm.is_ok() && trim(comm.value()) == "dockerd";
        if (m_request.reload && !m_request.only_say && is_docker && ::kill(*pid, SIGHUP) == 0)
            result.done.push_back("told dockerd (" + std::to_string(*pid) + ") to read its configuration again");
        else
            result.next.push_back("kill -HUP " + std::to_string(*pid));
    }

    Request const& m_request;
    EngineFacts const& m_facts;
    std::string m_config;
    Changes m_changes;
};

// Regular files of a folder; none where there is no such folder.
std::vector<std::string> Work::files_in(std::string const& folder)
{
    std::vector<std::string> names;
    auto* opened = ::opendir(folder.c_str());
    if (!opened)
        return names;
    while (auto const* entry = ::readdir(opened))
        if (entry->d_type == DT_REG)
            names.emplace_back(entry->d_name);
    ::closedir(opened);
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace

std::optional<Engine> engine_by_name(std::string_view name)
{
    for (auto const& facts : engines)
        if (facts.name == name)
            return facts.engine;
    return std::nullopt;
}

Result<Outcome> install(Request const& request)
{
    return Work(request).install();
}

Result<Outcome> uninstall(Request const& request)
{
    return Work(request).uninstall();
}

} // namespace bulkhead::install
