#include "seccomp/listener.h"

#include "base/json.h"
#include "host/channel.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bulkhead::seccomp {
namespace {

ListenerMessage a_message()
{
    oci::State state;
    state.id = "web";
    state.status = oci::Status::creating;
    state.pid = 42;
    state.bundle = "/bundle";
    return { .state = state, .pid = 43, .metadata = "for \"you\"" };
}

TEST(Listener, the_message_is_the_specifications_container_process_state)
{
    auto document = MUST(JsonDocument::parse(listener_message_json(a_message()), "message"));
    auto message = MUST(document.object());
    std::vector<std::string> fds;
    std::int64_t pid = 0;
    std::string text;
    MUST(message.required("fds", fds));
    MUST(message.required("pid", pid));
    MUST(message.required("metadata", text));
    EXPECT_EQ(fds, std::vector<std::string> { "seccompFd" });
    EXPECT_EQ(pid, 43);
    EXPECT_EQ(text, "for \"you\"");
    auto member = MUST(message.get("state"));
    auto state = MUST(member.as_object());
    MUST(state.required("id", text));
    EXPECT_EQ(text, "web");
    MUST(state.required("status", text));
    EXPECT_EQ(text, "creating");
    MUST(message.required("ociVersion", text));
    EXPECT_EQ(text, a_message().state.oci_version);
}

TEST(Listener, no_metadata_is_left_out)
{
    auto message = a_message();
    message.metadata.clear();
    EXPECT_EQ(listener_message_json(message).find("metadata"), std::string::npos);
}

TEST(Listener, the_agent_receives_the_descriptor_with_the_message)
{
    std::string pattern = std::filesystem::temp_directory_path() / "seccomp-agent-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    auto folder = MUST(open_file(pattern, O_RDONLY | O_DIRECTORY));
    auto agent = MUST(host::listen_unix(folder, "agent.sock", SOCK_STREAM));
    auto stand_in = MUST(open_file("/dev/null", O_RDONLY));
    MUST(send_listener(pattern + "/agent.sock", stand_in, a_message()));
    File connection(::accept4(agent.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    auto received = MUST(host::receive_files(connection, 16 * 1024));
    EXPECT_EQ(received.text, listener_message_json(a_message()));
    ASSERT_EQ(received.files.size(), 1U);
    std::error_code error;
    EXPECT_EQ(std::filesystem::read_symlink(received.files[0].proc_path(), error), "/dev/null");
    std::filesystem::remove_all(pattern);
}

TEST(Listener, an_agent_that_is_not_there_is_named)
{
    auto sent = send_listener("/nonexistent/agent.sock", FileView(0), a_message());
    ASSERT_TRUE(sent.is_error());
    EXPECT_NE(sent.error().message.find("/nonexistent/agent.sock"), std::string::npos) << sent.error().message;
}

} // namespace
} // namespace bulkhead::seccomp
