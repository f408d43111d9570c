#include "driver/session.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

namespace conformance {

std::vector<TestCase>& all_tests()
{
    static std::vector<TestCase> tests;
    return tests;
}

Registration::Registration(char const* name, char const* file, std::vector<std::string> covers, TestFunction function)
{
    all_tests().push_back({ name, std::filesystem::path(file).stem().string(), std::move(covers), function });
}

Session::Session(Settings const& settings, TestCase const& test, int number)
    : m_settings(settings)
    , m_test(test)
    , m_folder(settings.folder + "/" + std::to_string(number))
    , m_stem(settings.mark + "-" + std::to_string(number))
{
    mkdir(m_folder.c_str(), 0755);
}

bool Session::is_decided(std::string_view requirement) const
{
    return std::any_of(m_findings.begin(), m_findings.end(), [&](auto const& finding) { return finding.requirement == requirement; });
}

bool Session::check(std::string_view requirement, bool holds, std::string const& text)
{
    m_findings.push_back({ std::string(requirement), holds ? Verdict::passed : Verdict::failed, text });
    return holds;
}

bool Session::equal(std::string_view requirement, Json const& got, Json const& wanted, std::string const& what)
{
    bool same = got == wanted;
    return check(requirement, same, same ? what : what + ": got " + one_line(show(got)) + ", expected " + one_line(show(wanted)));
}

void Session::skip(std::string_view requirement, std::string const& reason)
{
    m_findings.push_back({ std::string(requirement), Verdict::skipped, reason });
}

void Session::skip_all(std::string const& reason)
{
    for (auto const& requirement : m_test.covers) {
        if (!is_decided(requirement))
            skip(requirement, reason);
    }
}

Bundle Session::new_bundle()
{
    auto name = "b" + std::to_string(++m_bundles);
    return Bundle(path(name), m_settings.guest, m_settings.busybox, cgroup_of(m_stem + "-" + name));
}

std::string Session::new_id()
{
    return m_stem + "-" + std::to_string(++m_ids);
}

Finished Session::command(std::vector<std::string> const& arguments, Program program)
{
    program.arguments = { m_settings.runtime };
    program.arguments.insert(program.arguments.end(), m_settings.runtime_arguments.begin(), m_settings.runtime_arguments.end());
    program.arguments.insert(program.arguments.end(), { "--root", path("state") });
    program.arguments.insert(program.arguments.end(), arguments.begin(), arguments.end());
    return run_program(program);
}

namespace {

std::vector<std::string> joined(std::vector<std::string> list, std::vector<std::string> const& more)
{
    list.insert(list.end(), more.begin(), more.end());
    return list;
}

} // namespace

Finished Session::create(Bundle const& bundle, std::string const& id, std::vector<std::string> const& extra, Program program)
{
    bundle.save();
    if (program.output_path.empty())
        program.output_path = output_path(id);
    auto done = command(joined(joined({ "create", "--bundle", bundle.folder() }, extra), { id }), program);
    m_live.push_back(id);
    if (!done.ok())
        note("create failed: " + done.describe());
    return done;
}

Finished Session::start(std::string const& id)
{
    auto done = command({ "start", id });
    if (!done.ok())
        note("start failed: " + done.describe());
    return done;
}

Finished Session::kill(std::string const& id, std::string const& signal)
{
    return command({ "kill", id, signal });
}

Finished Session::remove(std::string const& id, bool force)
{
    auto done = command(force ? std::vector<std::string> { "delete", "--force", id } : std::vector<std::string> { "delete", id });
    if (done.ok())
        std::erase(m_live, id);
    return done;
}

Finished Session::run(Bundle const& bundle, std::string const& id, std::vector<std::string> const& extra, Program program)
{
    bundle.save();
    auto name = id.empty() ? new_id() : id;
    auto done = command(joined(joined({ "run", "--bundle", bundle.folder() }, extra), { name }), program);
    if (!done.ok())
        m_live.push_back(name);
    return done;
}

Finished Session::exec(std::string const& id, Json const& process, std::vector<std::string> const& extra, Program program)
{
    static int count = 0;
    auto file = path("process" + std::to_string(++count) + ".json");
    write_file(file, process.dump());
    return command(joined(joined({ "exec", "--process", file }, extra), { id }), program);
}

Json Session::state(std::string const& id)
{
    auto done = command({ "state", id });
    return done.ok() ? parse_json(done.output) : Json();
}

bool Session::wait_for_status(std::string const& id, std::string const& wanted)
{
    return wait_until([&] { return status(id) == wanted; });
}

bool Session::wait_for_output(std::string const& id, std::string const& text)
{
    return wait_until([&] { return output_of(id).find(text) != std::string::npos; });
}

Json Session::report(Bundle const& bundle, std::vector<std::string> const& extra)
{
    auto done = run(bundle, "", extra);
    auto found = report_in(done.output);
    if (found.is_null())
        note("run gave no report: " + done.describe());
    return found;
}

std::string Session::start_serving(Bundle& bundle)
{
    auto id = new_id();
    if (!create(bundle, id).ok() || !start(id).ok())
        return "";
    if (!wait_for_output(id, "serving")) {
        note("the guest did not come up: " + one_line(output_of(id)));
        return "";
    }
    return id;
}

bool Session::refuses(std::string_view requirement, Bundle const& bundle, std::string const& what)
{
    auto id = new_id();
    auto done = create(bundle, id);
    if (done.ok())
        return check(requirement, false, what + ": create succeeded, an error was expected");
    if (!done.refused())
        return check(requirement, false, what + ": create " + done.describe());
    if (!state(id).is_null())
        return check(requirement, false, what + ": create failed, but a container is left behind");
    std::erase(m_live, id);
    return check(requirement, true, what + ": refused (" + one_line(done.errors, 160) + ")");
}

bool Session::refuses_by_start(std::string_view requirement, Bundle const& bundle, std::string const& what)
{
    auto id = new_id();
    auto done = create(bundle, id);
    if (done.refused())
        return check(requirement, true, what + ": refused by create");
    auto started = start(id);
    return check(requirement, started.refused(), what + (started.refused() ? ": refused by start" : ": neither create nor start failed"));
}

// Everything this test left running: containers, then any process below this one.
void Session::end_leftovers()
{
    auto live = m_live;
    for (auto const& id : live)
        remove(id, true);
    for (int turn = 0; turn < 50; ++turn) {
        auto rest = children_of(getpid());
        if (rest.empty())
            break;
        for (int pid : rest)
            ::kill(pid, SIGKILL);
        while (waitpid(-1, nullptr, WNOHANG) > 0) { }
        short_sleep();
    }
    remove_cgroups_named(m_stem + "-");
}

void Session::finish()
{
    end_leftovers();
    for (auto const& requirement : m_test.covers) {
        if (!is_decided(requirement))
            m_findings.push_back({ requirement, Verdict::failed, "not reached: " + m_note });
    }
}

Json report_in(std::string const& text)
{
    auto start = text.find("{\"args\"");
    if (start == std::string::npos)
        return {};
    return parse_json(text.substr(start, text.find('\n', start) - start));
}

Json const& result_of(Json const& report, std::string_view probe)
{
    static Json const nothing;
    auto const& results = at(report, "results");
    for (auto const& result : results) {
        if (text_at(result, "probe") == probe)
            return result;
    }
    return nothing;
}

Json mount_at(Json const& report, std::string_view target)
{
    Json found;
    for (auto const& mount : at(report, "mounts")) {
        if (text_at(mount, "target") == target)
            found = mount;
    }
    return found;
}

bool has_option(Json const& mount, std::string_view option)
{
    for (auto const* key : { "options", "super" }) {
        auto list = "," + text_at(mount, key) + ",";
        if (list.find("," + std::string(option) + ",") != std::string::npos)
            return true;
        if (std::string_view(key) == "options" && (option == "ro" || option == "rw"))
            return false;
    }
    return false;
}

} // namespace conformance
