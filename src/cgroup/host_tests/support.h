// What the tests on real cgroups share: groups under names of this process, children that enter and wait.
#pragma once

#include "base/log.h"
#include "base/text.h"
#include "cgroup/cgroup.h"

#include <csignal>
#include <fstream>
#include <functional>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bulkhead::cgroup {

class HostTest : public ::testing::Test {
protected:
    void TearDown() override
    {
        for (auto child : m_children)
            finish(child);
        for (auto const& path : m_made)
            ::rmdir(path.c_str()); // only what a failed test left
    }

    // CONTROLLER "" is the v2 tree.
    static bool skip_unless_writable(std::string const& controller)
    {
        for (auto const& hierarchy : MUST(HostCgroups::discover()).hierarchies) {
            bool is_meant = controller.empty()
                ? hierarchy.is_v2
                : std::find(hierarchy.controllers.begin(), hierarchy.controllers.end(), controller) != hierarchy.controllers.end();
            auto probe = hierarchy.mount_point + "/bulkhead-probe-" + std::to_string(::getpid());
            if (is_meant && ::mkdir(probe.c_str(), 0755) == 0) {
                ::rmdir(probe.c_str());
                return false;
            }
        }
        return true;
    }

    Result<std::unique_ptr<Cgroup>> try_create(std::string const& name, HostCgroups const& host)
    {
        auto id = "bulkhead-test-" + name + "-" + std::to_string(::getpid());
        auto cgroup = TRY(Cgroup::create(host, { .cgroups_path = "/" + id, .container_id = id }));
        for (auto const& [controller, path] : cgroup->paths())
            m_made.push_back(path);
        return cgroup;
    }
    Result<std::unique_ptr<Cgroup>> try_create(std::string const& name) { return try_create(name, MUST(HostCgroups::discover())); }
    std::unique_ptr<Cgroup> create(std::string const& name) { return MUST(try_create(name)); }
    std::unique_ptr<Cgroup> create(std::string const& name, HostCgroups const& host) { return MUST(try_create(name, host)); }

    static std::unique_ptr<Cgroup> reload(Cgroup const& cgroup)
    {
        JsonWriter json;
        cgroup.save(json);
        auto document = MUST(JsonDocument::parse(json.text(), "saved"));
        auto object = MUST(document.object());
        return MUST(Cgroup::load(object));
    }

    // A child that enters by itself, then does WORK (and exits) or waits for a signal.
    pid_t start(Entry const& entry, std::function<void()> const& work = {})
    {
        int ready[2];
        EXPECT_EQ(::pipe(ready), 0);
        auto child = ::fork();
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            char answer = enter(entry).is_ok() ? 'y' : 'n';
            (void)!::write(ready[1], &answer, 1);
            if (work) {
                work();
                ::_exit(0);
            }
            for (;;)
                ::usleep(1000); // is_running() sees it wake
        }
        char answer = 0;
        EXPECT_EQ(::read(ready[0], &answer, 1), 1);
        EXPECT_EQ(answer, 'y') << "the child could not enter";
        ::close(ready[0]);
        ::close(ready[1]);
        m_children.push_back(child);
        return child;
    }
    pid_t start(Cgroup& cgroup, std::function<void()> const& work = {}) { return start(MUST(cgroup.entry()), work); }

    // The signal that ended the child, 0 for an exit.
    int wait_status(pid_t child)
    {
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        std::erase(m_children, child);
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
    void finish(pid_t child)
    {
        ::kill(child, SIGKILL);
        wait_status(child);
    }
    // Whether a child of start() still wakes from its sleeps.
    static bool is_running(pid_t child)
    {
        auto switches = [child] {
            auto status = MUST(read_file("/proc/" + std::to_string(child) + "/status"));
            return status.substr(status.find("voluntary_ctxt_switches:"));
        };
        auto before = switches();
        ::usleep(50000);
        return switches() != before;
    }
    static void expect_file(Cgroup const& cgroup, std::string const& controller, std::string const& file, std::string const& value)
    {
        EXPECT_EQ(trim(MUST(read_file(cgroup.paths().at(controller) + "/" + file))), value) << file;
    }
    static void write(std::string const& path, std::string const& value) { std::ofstream(path) << value; }

private:
    std::vector<pid_t> m_children;
    std::vector<std::string> m_made;
};

} // namespace bulkhead::cgroup
