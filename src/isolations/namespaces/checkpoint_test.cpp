#include "isolations/namespaces/checkpoint_criu.h"
#include "isolations/namespaces/checkpoint_mounts.h"
#include "isolations/namespaces/checkpoint_wire.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace bulkhead::namespaces {
namespace {

TEST(CheckpointWire, numbers_texts_and_messages_come_back_as_written)
{
    WireWriter inner;
    inner.text(1, "key").number(2, 7);
    WireWriter writer;
    writer.number(1, 0).number(2, 300).number(63, ~std::uint64_t(0)).text(10, "dump.log").flag(3, false).flag(4, true).message(27, inner);
    WireReader reader(writer.bytes());
    EXPECT_EQ(reader.next()->number, 0U);
    EXPECT_EQ(reader.next()->number, 300U);
    auto field = reader.next();
    EXPECT_EQ(field->field, 63U);
    EXPECT_EQ(field->number, ~std::uint64_t(0));
    EXPECT_EQ(reader.next()->text, "dump.log");
    field = reader.next();
    EXPECT_EQ(field->field, 4U) << "false is left out";
    field = reader.next();
    EXPECT_EQ(field->field, 27U);
    WireReader inside(field->text);
    EXPECT_EQ(inside.next()->text, "key");
    EXPECT_EQ(inside.next()->number, 7U);
    EXPECT_FALSE(inside.next());
    EXPECT_FALSE(reader.next());
}

TEST(CheckpointWire, a_number_is_encoded_in_groups_of_seven_bits)
{
    WireWriter writer;
    writer.number(1, 150);
    EXPECT_EQ(writer.bytes(), "\x08\x96\x01");
}

TEST(CheckpointWire, bytes_that_make_no_sense_end_the_reading)
{
    using namespace std::string_view_literals;
    for (auto bytes : { "\x0a\x05"
                        "abc"sv,
             "\x08"sv, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv, "\x00\x00"sv, "\x0b\x01"sv, "\x0d\x01"sv }) {
        WireReader reader(bytes);
        EXPECT_FALSE(reader.next());
    }
}

TEST(CheckpointLog, the_last_complaints_are_quoted)
{
    EXPECT_EQ(complaints_in_log("all is well\n"), "");
    EXPECT_EQ(complaints_in_log("one\nError (a.c:1): first\ntwo\nError (b.c:2): second\n"), "  Error (a.c:1): first\n  Error (b.c:2): second");
    std::string many;
    for (int number = 0; number < 20; ++number)
        many += "Error " + std::to_string(number) + "\n";
    auto quoted = complaints_in_log(many);
    EXPECT_EQ(std::count(quoted.begin(), quoted.end(), '\n'), 4);
    EXPECT_TRUE(quoted.ends_with("Error 19"));
}

// As if nothing in the container were a symlink but /var/run.
std::string plain(std::string const& destination, void*)
{
    return destination.starts_with("/var/run") ? destination.substr(4) : destination;
}

std::vector<std::string> named(oci::Config const& config, std::string_view mountinfo)
{
    std::vector<std::string> texts;
    for (auto const& mount : external_mounts(config, parse_mountinfo(mountinfo), { .call = plain, .context = nullptr }))
        texts.push_back(mount.place + ":" + mount.name);
    return texts;
}

oci::Config a_config()
{
    oci::Config config;
    config.mounts = {
        { .destination = "/proc", .type = "proc", .source = "proc" },
        { .destination = "/dev", .type = "tmpfs", .source = "tmpfs" },
        { .destination = "/data", .type = "bind", .source = "/srv/data" },
        { .destination = "/data/tmp", .type = "tmpfs", .source = "tmpfs" },
        { .destination = "/var/run/agent", .type = "bind", .source = "agent" },
        { .destination = "/sys/fs/cgroup", .type = "cgroup", .source = "cgroup" },
    };
    config.linux_section.masked_paths = { "/proc/kcore", "/proc/scsi" };
    return config;
}

constexpr std::string_view a_mountinfo = R"(100 99 8:1 /bundle/rootfs / rw,relatime - ext4 /dev/sda1 rw
101 100 0:50 / /proc rw - proc proc rw
102 100 0:51 / /dev rw - tmpfs tmpfs rw
103 100 8:1 /srv/data /data rw - ext4 /dev/sda1 rw
104 103 0:60 / /data/with\040blank rw - nfs server:/x rw
105 103 0:61 / /data/tmp rw - tmpfs tmpfs rw
106 100 8:1 /bundle/agent /run/agent rw shared:5 master:3 - ext4 /dev/sda1 rw
107 101 0:5 /null /proc/kcore rw - devtmpfs udev rw
108 101 0:62 / /proc/scsi ro - tmpfs tmpfs ro
109 102 0:5 /tty /dev/tty rw - devtmpfs udev rw
110 102 0:63 /0 /dev/console rw - devpts devpts rw
111 100 0:30 / /sys/fs/cgroup ro - tmpfs tmpfs ro
112 111 0:31 /me /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct
this line is broken
)";

TEST(CheckpointMounts, what_comes_from_outside_is_named_after_the_configuration)
{
    EXPECT_EQ(named(a_config(), a_mountinfo),
        (std::vector<std::string> { "/data:/data", "/data/with blank:/data/with blank", "/run/agent:/var/run/agent", "/proc/kcore:/dev/null",
            "/dev/tty:/dev/tty", "/sys/fs/cgroup/cpu,cpuacct:/sys/fs/cgroup/cpu,cpuacct" }));
}

TEST(CheckpointMounts, cgroup_mounts_of_a_container_with_its_own_namespace_are_its_own)
{
    auto config = a_config();
    config.linux_section.namespaces.push_back({ .type = oci::NamespaceType::cgroup, .path = {} });
    auto names = named(config, a_mountinfo);
    EXPECT_EQ(std::count_if(names.begin(), names.end(), [](auto const& name) { return name.find("cgroup") != std::string::npos; }), 0);
}

std::string source(std::vector<std::string> const& names)
{
    HostPlaces places { .bundle = "/bundle", .cgroup_folders = { { "cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct/new" } } };
    auto sources = external_sources(a_config(), names, places);
    return sources.is_error() ? "error: " + sources.error().message : sources.value().front().place;
}

TEST(CheckpointMounts, each_name_has_its_place_on_the_host)
{
    EXPECT_EQ(source({ "/data" }), "/srv/data");
    EXPECT_EQ(source({ "/data/with blank" }), "/srv/data/with blank");
    EXPECT_EQ(source({ "/var/run/agent" }), "/bundle/agent");
    EXPECT_EQ(source({ "/dev/null" }), "/dev/null");
    EXPECT_EQ(source({ "/dev/tty" }), "/dev/tty");
    EXPECT_EQ(source({ "/sys/fs/cgroup/cpu,cpuacct" }), "/sys/fs/cgroup/cpu,cpuacct/new");
}

TEST(CheckpointMounts, a_name_that_the_configuration_does_not_have_is_refused)
{
    EXPECT_TRUE(source({ "/etc" }).starts_with("error: "));
    EXPECT_TRUE(source({ "/data/../../etc" }).starts_with("error: "));
    EXPECT_TRUE(source({ "data" }).starts_with("error: "));
}

TEST(CheckpointMounts, without_names_everything_that_the_configuration_may_need_is_given)
{
    auto sources = MUST(external_sources(a_config(), {}, { .bundle = "/bundle", .cgroup_folders = {} }));
    std::vector<std::string> names;
    for (auto const& mount : sources)
        names.push_back(mount.name);
    EXPECT_EQ(names, (std::vector<std::string> { "/data", "/dev/null", "/var/run/agent" }));
}

} // namespace
} // namespace bulkhead::namespaces
