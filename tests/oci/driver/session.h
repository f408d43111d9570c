// One test in its own process: bundles, the runtime's commands, and verdicts on numbered requirements.
#pragma once

#include "driver/bundle.h"
#include "driver/host.h"
#include "driver/json.h"
#include "driver/program.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

enum class Verdict { passed, failed, skipped };

struct Finding {
    std::string requirement;
    Verdict verdict = Verdict::failed;
    std::string text;
};

struct Settings {
    std::string runtime;
    std::vector<std::string> runtime_arguments;
    std::string guest;
    std::string busybox;
    std::string folder; // everything temporary is below
    std::string mark; // part of every container id and cgroup of this run
    std::string version_text;
    std::string claimed_version;
    bool hide_unified_cgroups = false; // crun refuses the hybrid layout
};

class Session;
using TestFunction = void (*)(Session&);

struct TestCase {
    std::string name;
    std::string file;
    std::vector<std::string> covers;
    TestFunction function;
};

std::vector<TestCase>& all_tests();

class Session {
public:
    Session(Settings const& settings, TestCase const& test, int number);

    // Verdicts. Each names one of the requirements that the test covers; what gets no verdict is a failure that carries the last note.
    bool check(std::string_view requirement, bool holds, std::string const& text);
    bool equal(std::string_view requirement, Json const& got, Json const& wanted, std::string const& what);
    void skip(std::string_view requirement, std::string const& reason);
    void skip_all(std::string const& reason);
    void note(std::string const& text) { m_note = text; }

    // Bundles and names.
    Bundle new_bundle();
    std::string new_id();
    std::string path(std::string const& name) const { return m_folder + "/" + name; }
    Settings const& settings() const { return m_settings; }
    std::string cgroup_of(std::string const& name) const { return "/" + m_settings.mark + "/" + name; }

    // The runtime. `command` puts --root and the runtime's own arguments in front.
    Finished command(std::vector<std::string> const& arguments, Program program = {});
    Finished create(Bundle const& bundle, std::string const& id, std::vector<std::string> const& extra = {}, Program program = {});
    Finished start(std::string const& id);
    Finished kill(std::string const& id, std::string const& signal);
    Finished remove(std::string const& id, bool force = false);
    Finished run(Bundle const& bundle, std::string const& id = "", std::vector<std::string> const& extra = {}, Program program = {});
    Finished exec(std::string const& id, Json const& process, std::vector<std::string> const& extra = {}, Program program = {});
    Json state(std::string const& id);
    std::string status(std::string const& id) { return text_at(state(id), "status"); }
    bool wait_for_status(std::string const& id, std::string const& wanted);
    // What the container printed on standard output since `create`.
    std::string output_of(std::string const& id) const { return read_file(output_path(id)); }
    std::string output_path(std::string const& id) const { return m_folder + "/" + id + ".out"; }
    bool wait_for_output(std::string const& id, std::string const& text);

    // Runs the guest to its end; its report, or null with a note on why there is none.
    Json report(Bundle const& bundle, std::vector<std::string> const& extra = {});
    // Creates and starts a guest that lives until it is killed; empty when that fails.
    std::string start_serving(Bundle& bundle);
    // `create` must fail and leave no container behind.
    bool refuses(std::string_view requirement, Bundle const& bundle, std::string const& what);
    // `create` or the following `start` must fail.
    bool refuses_by_start(std::string_view requirement, Bundle const& bundle, std::string const& what);

    void finish();
    std::vector<Finding> const& findings() const { return m_findings; }

private:
    bool is_decided(std::string_view requirement) const;
    void end_leftovers();

    Settings const& m_settings;
    TestCase const& m_test;
    std::string m_folder;
    std::string m_note = "the test ended before it got there";
    std::string m_stem;
    std::vector<Finding> m_findings;
    std::vector<std::string> m_live;
    int m_bundles = 0;
    int m_ids = 0;
};

// The report that the guest printed somewhere in this text.
Json report_in(std::string const& text);
// The probe's result in a report.
Json const& result_of(Json const& report, std::string_view probe);
inline bool probe_ok(Json const& report, std::string_view probe)
{
    return flag_at(result_of(report, probe), "ok");
}
inline std::int64_t probe_errno(Json const& report, std::string_view probe)
{
    return number_at(result_of(report, probe), "errno");
}
// The topmost mount at this path in a report.
Json mount_at(Json const& report, std::string_view target);
bool has_option(Json const& mount, std::string_view option);

struct Registration {
    Registration(char const* name, char const* file, std::vector<std::string> covers, TestFunction function);
};

// OCI_TEST(name_as_a_sentence, "R-1.1", "R-1.2") { ... t ... }
#define OCI_TEST(name, ...)                                                                                                                          \
    static void name(::conformance::Session& t);                                                                                                     \
    static ::conformance::Registration const registration_of_##name(#name, __FILE__, { __VA_ARGS__ }, name);                                         \
    static void name(::conformance::Session& t)

} // namespace conformance
