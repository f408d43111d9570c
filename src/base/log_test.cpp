#include "base/json.h"
#include "base/log.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace bulkhead {
namespace {

class LogTest : public testing::Test {
protected:
    void SetUp() override
    {
        m_before = log::settings();
        m_sink = File(::memfd_create("log", MFD_CLOEXEC));
    }
    void TearDown() override { log::configure(m_before); }

    void configure(log::Format format, log::Level lowest) { log::configure({ .format = format, .lowest = lowest, .sink = m_sink }); }
    std::string text()
    {
        ::lseek(m_sink.fd(), 0, SEEK_SET);
        return MUST(read_all(m_sink).or_error("read the log"));
    }

    log::Settings m_before;
    File m_sink;
};

TEST_F(LogTest, a_json_line_has_what_containerd_reads)
{
    configure(log::Format::json, log::Level::debug);
    log::error("cannot \"start\"\n", { { "id", "web" } });
    auto line = text();
    ASSERT_EQ(line.find('\n'), line.size() - 1);
    auto document = MUST(JsonDocument::parse(line, "log line"));
    auto object = MUST(document.object());
    std::string value;
    EXPECT_TRUE(object.required("level", value).is_ok());
    EXPECT_EQ(value, "error");
    EXPECT_TRUE(object.required("msg", value).is_ok());
    EXPECT_EQ(value, "cannot \"start\"\n");
    EXPECT_TRUE(object.required("id", value).is_ok());
    EXPECT_EQ(value, "web");
    EXPECT_TRUE(object.required("time", value).is_ok());
    EXPECT_EQ(value.size(), std::string_view("2024-01-02T03:04:05Z").size());
    EXPECT_EQ(value.back(), 'Z');
}

TEST_F(LogTest, a_text_line_quotes_its_message_and_fields)
{
    configure(log::Format::text, log::Level::debug);
    log::info("container created", { { "id", "a\nb" } });
    auto line = text();
    EXPECT_EQ(line.substr(line.find(" level")), " level=info msg=\"container created\" id=\"a\\nb\"\n");
}

TEST_F(LogTest, lower_levels_are_left_out)
{
    configure(log::Format::text, log::Level::warning);
    log::debug("one");
    log::info("two");
    EXPECT_EQ(text(), "");
    log::warning("three");
    EXPECT_NE(text().find("three"), std::string::npos);
}

TEST_F(LogTest, a_sink_that_cannot_be_written_is_survived)
{
    log::configure({ .lowest = log::Level::debug, .sink = FileView(-1) });
    log::error("nobody reads this");
}

} // namespace
} // namespace bulkhead
