#include "container/record.h"

#include <gtest/gtest.h>

using namespace bulkhead;
using namespace bulkhead::container;

namespace {

Record sample()
{
    Record record;
    record.id = "web";
    record.oci_version = "1.3.0";
    record.bundle = "/bundle";
    record.rootfs = "/bundle/rootfs";
    record.config_path = "/run/bulkhead/web/config.json";
    record.created = timestamp_now();
    record.owner = 1000;
    record.isolation = "namespaces";
    record.annotations = { { "a", "b\n\"c\"" } };
    record.has_poststop_hooks = true;
    record.init_pid = 4711;
    record.init_start_time = 123456789012345;
    record.sandbox = R"({"cgroup":{"path":"/x"}})";
    return record;
}

std::string with(std::string text, std::string const& from, std::string const& to)
{
    auto place = text.find(from);
    EXPECT_NE(place, std::string::npos) << from;
    return text.replace(place, from.size(), to);
}

} // namespace

TEST(Record, what_is_written_is_read_again)
{
    auto text = record_json(sample());
    auto again = parse_record(text);
    ASSERT_TRUE(again.is_ok()) << again.error().message;
    EXPECT_EQ(record_json(again.value()), text);
}

TEST(Record, a_newer_version_is_refused_with_its_number)
{
    auto result = parse_record(with(record_json(sample()), "\"version\":1", "\"version\":99"));
    ASSERT_TRUE(result.is_error());
    EXPECT_NE(result.error().message.find("99"), std::string::npos);
}

TEST(Record, pids_that_kill_would_take_for_groups_are_refused)
{
    for (auto const* pid : { "0", "1", "-1", "-4711", "4294967297", "\"5\"" })
        EXPECT_TRUE(parse_record(with(record_json(sample()), "4711", pid)).is_error()) << pid;
}

TEST(Record, an_id_that_is_no_file_name_is_refused)
{
    EXPECT_TRUE(parse_record(with(record_json(sample()), "\"id\":\"web\"", "\"id\":\"../web\"")).is_error());
}

TEST(Record, an_error_names_the_member)
{
    auto result = parse_record(with(record_json(sample()), "\"owner\":1000", "\"owner\":\"me\""));
    ASSERT_TRUE(result.is_error());
    EXPECT_NE(result.error().message.find("owner"), std::string::npos);
}
