#include "container/containers.h"
#include "container/fake_isolation.h"

#include <gtest/gtest.h>

using namespace bulkhead;
using namespace bulkhead::container;

namespace {

class ContainersTest : public testing::Test {
protected:
    ContainersTest() { ::mkdir(bundle().c_str(), 0755); }
    ~ContainersTest() override
    {
        auto listed = store().list();
        for (auto const& one : listed.value())
            (void)store().remove(one.id, Force::yes);
    }
    std::string root() const { return folder.path() + "/root"; }
    std::string bundle() const { return folder.path() + "/bundle"; }
    Containers store() const { return MUST(Containers::open(root(), FakeIsolation::find)); }
    CreateRequest request(std::string id) const
    {
        CreateRequest wanted;
        wanted.isolation = FakeIsolation::find("fake").value();
        wanted.plan.id = std::move(id);
        wanted.plan.bundle = bundle();
        wanted.plan.root = bundle();
        wanted.plan.config.oci_version = "1.2.0";
        wanted.plan.config_text = "{\"ociVersion\":\"1.2.0\"}";
        return wanted;
    }
    Result<Container> create(std::string id) const
    {
        auto containers = store();
        return containers.create(request(std::move(id)));
    }
    oci::Hook hook(std::string script) const
    {
        oci::Hook made;
        made.path = "/bin/sh";
        made.args = { "sh", "-c", std::move(script) };
        made.env = { "PATH=/usr/bin:/bin" };
        return made;
    }
    // Runs DO in a child and kills that child with SIGKILL once READY says so.
    template <typename Do, typename Ready> void kill_while(Do perform, Ready is_ready) const
    {
        auto child = ::fork();
        if (child == 0) {
            perform();
            ::_exit(0);
        }
        for (int round = 0; round < 5000 && !is_ready(); ++round)
            ::usleep(1000);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
    }

    TemporaryFolder folder;
};

} // namespace

TEST_F(ContainersTest, a_container_goes_from_created_to_running_to_gone)
{
    ASSERT_TRUE(create("web").is_ok());
    EXPECT_EQ(store().load("web").release_value().status(), oci::Status::created);
    ASSERT_TRUE(store().load("web").release_value().start().is_ok());
    EXPECT_EQ(store().load("web").release_value().status(), oci::Status::running);
    auto refused = store().remove("web", Force::no);
    ASSERT_TRUE(refused.is_error());
    EXPECT_EQ(refused.error().message, "cannot delete container web that is not stopped: running");
    EXPECT_TRUE(store().load("web").release_value().kill(SIGKILL, isolation::Sandbox::Target::first_process).is_ok());
    for (int round = 0; round < 1000 && store().load("web").release_value().status() != oci::Status::stopped; ++round)
        ::usleep(1000);
    EXPECT_TRUE(store().remove("web", Force::no).is_ok());
    EXPECT_FALSE(file_exists(root() + "/web"));
}

TEST_F(ContainersTest, the_record_and_a_verbatim_config_are_kept)
{
    ASSERT_TRUE(create("web").is_ok());
    EXPECT_EQ(read_file(root() + "/web/config.json").value(), "{\"ociVersion\":\"1.2.0\"}");
    auto record = parse_record(read_file(root() + "/web/state.json").value());
    ASSERT_TRUE(record.is_ok()) << record.error().message;
    EXPECT_EQ(record.value().bundle, bundle());
    EXPECT_EQ(record.value().isolation, "fake");
    EXPECT_GT(record.value().init_pid, 1);
    EXPECT_EQ(record.value().init_start_time, host::process_start_time(record.value().init_pid).value());
}

TEST_F(ContainersTest, a_second_container_of_the_same_id_is_refused)
{
    ASSERT_TRUE(create("web").is_ok());
    auto second = create("web");
    ASSERT_TRUE(second.is_error());
    EXPECT_NE(second.error().message.find("container with given ID already exists"), std::string::npos);
    EXPECT_EQ(store().load("web").release_value().status(), oci::Status::created);
}

TEST_F(ContainersTest, an_unknown_id_does_not_exist_but_may_be_deleted_by_force)
{
    EXPECT_NE(store().load("nobody").error().message.find("does not exist"), std::string::npos);
    EXPECT_NE(store().remove("nobody", Force::no).error().message.find("does not exist"), std::string::npos);
    EXPECT_TRUE(store().remove("nobody", Force::yes).is_ok());
}

TEST_F(ContainersTest, ids_that_are_no_file_names_are_refused)
{
    for (auto const* id : { "", ".", "..", ".hidden", "a/b", "../x", "a b", "a\n", "caf\xc3\xa9" })
        EXPECT_TRUE(create(id).is_error()) << id;
    EXPECT_TRUE(check_id(std::string(255, 'a')).is_ok());
    EXPECT_TRUE(check_id(std::string(256, 'a')).is_error());
    EXPECT_TRUE(check_id("Abc_1+2-3.4").is_ok());
}

TEST_F(ContainersTest, a_failed_create_leaves_nothing)
{
    folder.write("bundle/fail", "");
    EXPECT_TRUE(create("web").is_error());
    EXPECT_FALSE(file_exists(root() + "/web"));
    EXPECT_TRUE(store().list().value().empty());
}

TEST_F(ContainersTest, starting_twice_is_an_error)
{
    ASSERT_TRUE(create("web").is_ok());
    ASSERT_TRUE(store().load("web").release_value().start().is_ok());
    auto again = store().load("web").release_value().start();
    ASSERT_TRUE(again.is_error());
    EXPECT_EQ(again.error().message, "cannot start an already running container");
}

TEST_F(ContainersTest, killing_a_stopped_container_says_that_it_is_not_running_unless_all_are_meant)
{
    ASSERT_TRUE(create("web").is_ok());
    auto container = store().load("web").release_value();
    ASSERT_TRUE(container.kill(SIGKILL, isolation::Sandbox::Target::first_process).is_ok());
    while (container.status() != oci::Status::stopped)
        ::usleep(1000);
    EXPECT_EQ(container.kill(SIGTERM, isolation::Sandbox::Target::first_process).error().message, "container not running");
    EXPECT_TRUE(container.kill(SIGTERM, isolation::Sandbox::Target::every_process).is_ok());
    EXPECT_EQ(container.start().error().message, "cannot start a container that has stopped");
}

TEST_F(ContainersTest, exec_in_a_paused_container_needs_ignore_paused)
{
    ASSERT_TRUE(create("web").is_ok());
    ASSERT_TRUE(store().load("web").release_value().start().is_ok());
    ASSERT_TRUE(store().load("web").release_value().pause().is_ok());
    EXPECT_EQ(store().load("web").release_value().status(), oci::Status::paused);
    isolation::ExecPlan plan;
    EXPECT_NE(store().load("web").release_value().exec(plan).error().message.find("paused"), std::string::npos);
    plan.ignore_paused = true;
    EXPECT_EQ(store().load("web").release_value().exec(plan).error().message, "no exec here");
    ASSERT_TRUE(store().load("web").release_value().resume().is_ok());
    EXPECT_TRUE(store().load("web").release_value().resume().is_error());
}

TEST_F(ContainersTest, of_many_that_create_one_id_at_once_exactly_one_succeeds)
{
    constexpr int many = 16;
    for (int index = 0; index < many; ++index) {
        if (::fork() == 0)
            ::_exit(create("web").is_ok() ? 0 : 1);
    }
    int succeeded = 0;
    for (int index = 0; index < many; ++index) {
        int status = 0;
        ::wait(&status);
        succeeded += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    EXPECT_EQ(succeeded, 1);
    EXPECT_EQ(store().load("web").release_value().status(), oci::Status::created);
}

TEST_F(ContainersTest, creates_and_forced_deletes_of_one_id_at_once_leave_nothing_broken)
{
    for (int index = 0; index < 12; ++index) {
        if (::fork() == 0) {
            for (int round = 0; round < 10; ++round) {
                if (index % 3 == 0) {
                    (void)create("web");
                } else if (index % 3 == 1) {
                    (void)store().remove("web", Force::yes);
                } else {
                    auto found = store().load("web");
                    if (found.is_ok())
                        (void)found.value().start();
                }
            }
            ::_exit(0);
        }
    }
    while (::wait(nullptr) > 0) { }
    auto listed = store().list();
    for (auto const& one : listed.value())
        EXPECT_EQ(one.trouble, "") << one.id;
    EXPECT_TRUE(store().remove("web", Force::yes).is_ok());
    EXPECT_TRUE(store().list().value().empty());
}

TEST_F(ContainersTest, a_runtime_killed_while_it_creates_leaves_what_force_removes)
{
    folder.write("bundle/hang", "");
    kill_while([&] { (void)create("web"); },
        [&] {
            auto found = store().load("web");
            return found.is_ok() && found.value().pid() > 1;
        });
    auto listed = store().list().release_value();
    ASSERT_EQ(listed.size(), 1U);
    EXPECT_TRUE(listed[0].status == oci::Status::stopped || listed[0].status == oci::Status::creating);
    EXPECT_TRUE(store().remove("web", Force::yes).is_ok());
    EXPECT_FALSE(file_exists(root() + "/web"));
}

TEST_F(ContainersTest, force_ends_a_create_that_hangs_in_another_process)
{
    folder.write("bundle/hang", "");
    auto creator = ::fork();
    if (creator == 0) {
        (void)create("web");
        ::_exit(0);
    }
    for (int round = 0; round < 5000; ++round) {
        auto found = store().load("web");
        if (found.is_ok() && found.value().pid() > 1)
            break;
        ::usleep(1000);
    }
    EXPECT_EQ(store().list().value().at(0).status, oci::Status::creating);
    auto ended = ::fork();
    if (ended == 0) { // the fake does not notice by itself that its process was killed
        ::usleep(300'000);
        ::unlink((bundle() + "/hang").c_str());
        ::_exit(0);
    }
    EXPECT_TRUE(store().remove("web", Force::yes).is_ok());
    ::waitpid(creator, nullptr, 0);
    ::waitpid(ended, nullptr, 0);
    EXPECT_TRUE(store().list().value().empty());
}

TEST_F(ContainersTest, a_folder_without_a_record_is_listed_as_broken_and_removed_by_force)
{
    ASSERT_TRUE(create("good").is_ok());
    ::mkdir((root() + "/bad").c_str(), 0700);
    auto listed = store().list().release_value();
    ASSERT_EQ(listed.size(), 2U);
    EXPECT_EQ(listed[0].id, "bad");
    EXPECT_NE(listed[0].trouble, "");
    EXPECT_TRUE(store().remove("bad", Force::no).is_error());
    EXPECT_TRUE(store().remove("bad", Force::yes).is_ok());
    EXPECT_EQ(store().list().value().size(), 1U);
}

TEST_F(ContainersTest, a_broken_record_is_named_and_removed_by_force)
{
    ASSERT_TRUE(create("web").is_ok());
    auto pid = store().load("web").release_value().pid();
    folder.write("root/web/state.json", "{ half a rec");
    EXPECT_NE(store().load("web").error().message.find("state.json"), std::string::npos);
    EXPECT_TRUE(store().remove("web", Force::yes).is_ok());
    EXPECT_FALSE(file_exists(root() + "/web"));
    ::kill(pid, SIGKILL); // nothing could know it any more
    ::waitpid(pid, nullptr, 0);
}

TEST_F(ContainersTest, a_container_of_an_unknown_isolation_loses_its_first_process_by_force)
{
    ASSERT_TRUE(create("web").is_ok());
    auto pid = store().load("web").release_value().pid();
    auto text = read_file(root() + "/web/state.json").release_value();
    text.replace(text.find("\"fake\""), 6, "\"future\"");
    folder.write("root/web/state.json", text);
    auto listed = store().list().release_value();
    EXPECT_EQ(listed.at(0).status, oci::Status::running);
    EXPECT_NE(listed.at(0).trouble, "");
    EXPECT_TRUE(store().remove("web", Force::no).is_error());
    EXPECT_TRUE(store().remove("web", Force::yes).is_ok());
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSIGNALED(status));
}

TEST_F(ContainersTest, a_reused_pid_is_never_killed)
{
    ASSERT_TRUE(create("web").is_ok());
    ASSERT_TRUE(store().load("web").release_value().kill(SIGKILL, isolation::Sandbox::Target::first_process).is_ok());
    auto innocent = ::fork();
    if (innocent == 0) {
        ::pause();
        ::_exit(0);
    }
    // The record now names the innocent process's pid, but the start time of another.
    auto text = read_file(root() + "/web/state.json").release_value();
    auto record = parse_record(text).release_value();
    record.init_pid = innocent;
    record.init_start_time -= 1;
    record.isolation = "future";
    folder.write("root/web/state.json", record_json(record));
    EXPECT_TRUE(store().remove("web", Force::yes).is_ok());
    ::usleep(10'000);
    EXPECT_EQ(::waitpid(innocent, nullptr, WNOHANG), 0);
    ::kill(innocent, SIGKILL);
    ::waitpid(innocent, nullptr, 0);
}

TEST_F(ContainersTest, a_state_folder_that_others_can_write_is_refused)
{
    ::mkdir(root().c_str(), 0777);
    ::chmod(root().c_str(), 0777);
    auto opened = Containers::open(root(), FakeIsolation::find);
    ASSERT_TRUE(opened.is_error());
    EXPECT_NE(opened.error().message.find("written by others"), std::string::npos);
    ::chmod(root().c_str(), 0700);
}

TEST_F(ContainersTest, removal_does_not_follow_symbolic_links)
{
    ASSERT_TRUE(create("web").is_ok());
    folder.write("precious", "data");
    ::mkdir((folder.path() + "/outside").c_str(), 0755);
    folder.write("outside/file", "data");
    ASSERT_EQ(::symlink((folder.path() + "/outside").c_str(), (root() + "/web/link").c_str()), 0);
    EXPECT_TRUE(store().remove("web", Force::yes).is_ok());
    EXPECT_TRUE(file_exists(folder.path() + "/outside/file"));
    EXPECT_TRUE(store().remove("precious", Force::yes).is_ok());
}

TEST_F(ContainersTest, hooks_run_in_their_order_with_the_state_on_standard_input)
{
    auto wanted = request("web");
    auto log = folder.path() + "/log";
    auto& hooks = wanted.plan.config.hooks;
    auto note = [&](std::string const& name) { return hook("echo -n '" + name + " ' >> " + log + "; cat > " + folder.path() + "/" + name); };
    hooks.prestart = { note("prestart") };
    hooks.create_runtime = { note("createRuntime") };
    hooks.poststart = { note("poststart") };
    hooks.poststop = { note("poststop") };
    wanted.plan.config_text
        = R"({"ociVersion":"1.2.0","root":{"path":"/"},"hooks":{"poststart":[{"path":"/bin/sh","args":["sh","-c","echo -n 'poststart ' >> )" + log
        + R"("]}],"poststop":[{"path":"/bin/sh","args":["sh","-c","echo -n 'poststop ' >> )" + log + "; cat > " + folder.path()
        + R"(/poststop"]}]}})";
    auto containers = store();
    ASSERT_TRUE(containers.create(std::move(wanted)).is_ok());
    EXPECT_EQ(folder.read("log"), "prestart createRuntime ");
    auto state = JsonDocument::parse(folder.read("createRuntime"), "state").release_value();
    std::string status;
    EXPECT_TRUE(state.object().value().required("status", status).is_ok());
    EXPECT_EQ(status, "creating");
    ASSERT_TRUE(store().load("web").release_value().start().is_ok());
    ASSERT_TRUE(store().remove("web", Force::yes).is_ok());
    EXPECT_EQ(folder.read("log"), "prestart createRuntime poststart poststop ");
    EXPECT_NE(folder.read("poststop").find("\"stopped\""), std::string::npos);
}

TEST_F(ContainersTest, a_failing_create_runtime_hook_undoes_the_container_and_runs_poststop)
{
    auto wanted = request("web");
    wanted.plan.config.hooks.create_runtime = { hook("echo no network; exit 7") };
    wanted.plan.config.hooks.poststop = { hook("touch " + folder.path() + "/undone") };
    auto containers = store();
    auto created = containers.create(std::move(wanted));
    ASSERT_TRUE(created.is_error());
    EXPECT_NE(created.error().message.find("createRuntime hook #0"), std::string::npos) << created.error().message;
    EXPECT_NE(created.error().message.find("no network"), std::string::npos);
    EXPECT_TRUE(file_exists(folder.path() + "/undone"));
    EXPECT_FALSE(file_exists(root() + "/web"));
}

TEST_F(ContainersTest, a_failing_poststart_hook_is_an_error_and_stops_the_container)
{
    auto wanted = request("web");
    wanted.plan.config.hooks.poststart = { hook("exit 1") };
    wanted.plan.config_text = R"({"ociVersion":"1.2.0","root":{"path":"/"},"hooks":{"poststart":[{"path":"/bin/false"}]}})";
    auto containers = store();
    ASSERT_TRUE(containers.create(std::move(wanted)).is_ok());
    EXPECT_TRUE(store().load("web").release_value().start().is_error());
    EXPECT_EQ(store().load("web").release_value().status(), oci::Status::stopped);
}
