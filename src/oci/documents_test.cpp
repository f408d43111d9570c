#include "oci/features.h"
#include "oci/state.h"
#include "oci/words.h"

#include "base/json.h"

#include <gtest/gtest.h>

namespace bulkhead::oci {
namespace {

TEST(State, has_the_members_of_the_specification)
{
    State state;
    state.id = "web";
    state.status = Status::running;
    state.pid = 42;
    state.bundle = "/b";
    state.annotations = { { "k", "v" } };
    EXPECT_EQ(state_json(state, 0), R"({"ociVersion":"1.3.0","id":"web","status":"running","pid":42,"bundle":"/b","annotations":{"k":"v"}})");
}

TEST(State, leaves_out_what_there_is_not)
{
    State state;
    state.id = "web";
    state.status = Status::stopped;
    EXPECT_EQ(state_json(state, 0), R"({"ociVersion":"1.3.0","id":"web","status":"stopped","bundle":""})");
}

TEST(State, callers_go_on_with_members_of_their_own)
{
    JsonWriter json(2);
    State state;
    state.id = "web";
    json.begin_object();
    append_state_members(json, state);
    json.member("owner", "root").end_object();
    EXPECT_EQ(json.text(),
        "{\n  \"ociVersion\": \"1.3.0\",\n  \"id\": \"web\",\n  \"status\": \"creating\",\n  \"bundle\": \"\",\n  \"owner\": \"root\"\n}");
}

TEST(State, status_names_go_both_ways)
{
    for (auto status : { Status::creating, Status::created, Status::running, Status::paused, Status::stopped })
        EXPECT_EQ(status_by_name(status_name(status)), status);
    EXPECT_EQ(status_by_name("gone"), std::nullopt);
}

TEST(Features, have_the_shape_of_the_specification)
{
    auto facts = known_features();
    facts.mount_options = { "ro", "rw" };
    facts.seccomp_supported_flags = { "SECCOMP_FILTER_FLAG_LOG" };
    facts.annotations = { { "dev.bulkhead.version", "1" } };
    auto document = MUST(JsonDocument::parse(features_json(facts, 2), "features"));
    auto object = MUST(document.object());
    std::string text;
    std::vector<std::string> list;
    EXPECT_TRUE(object.required("ociVersionMin", text).is_ok());
    EXPECT_EQ(text, "1.0.0");
    EXPECT_TRUE(object.required("ociVersionMax", text).is_ok());
    EXPECT_EQ(text, "1.3.0");
    EXPECT_TRUE(object.required("hooks", list).is_ok());
    EXPECT_EQ(list, (std::vector<std::string> { "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop" }));
    EXPECT_TRUE(object.required("mountOptions", list).is_ok());
    EXPECT_EQ(list.size(), 2U);
    EXPECT_TRUE(object.required("potentiallyUnsafeConfigAnnotations", list).is_ok());
    EXPECT_EQ(list[1], "dev.bulkhead.");
    std::map<std::string, std::string> annotations;
    EXPECT_TRUE(object.required("annotations", annotations).is_ok());
    EXPECT_EQ(annotations.at("dev.bulkhead.version"), "1");
}

TEST(Features, tell_what_the_linux_section_may_use)
{
    auto document = MUST(JsonDocument::parse(features_json(known_features(), 0), "features"));
    auto object = MUST(document.object());
    auto section = object.get("linux").value().as_object().value();
    auto inside = [&](std::string_view name) { return section.get(name).value().as_object().value(); };
    bool enabled = false;
    for (auto const* name : { "seccomp", "apparmor", "selinux", "netDevices" }) {
        EXPECT_TRUE(inside(name).required("enabled", enabled).is_ok()) << name;
        EXPECT_TRUE(enabled) << name;
    }
    EXPECT_TRUE(inside("intelRdt").required("enabled", enabled).is_ok());
    EXPECT_FALSE(enabled);
    for (auto const* name : { "v1", "v2", "systemd", "systemdUser", "rdma" })
        EXPECT_TRUE(inside("cgroup").required(name, enabled).is_ok()) << name;
    EXPECT_TRUE(inside("mountExtensions").get("idmap").value().as_object().value().required("enabled", enabled).is_ok());
    std::vector<std::string> list;
    EXPECT_TRUE(section.required("namespaces", list).is_ok());
    EXPECT_EQ(list.size(), 8U);
    EXPECT_TRUE(section.required("capabilities", list).is_ok());
    EXPECT_EQ(list.size(), 41U);
    EXPECT_TRUE(inside("memoryPolicy").required("modes", list).is_ok());
    EXPECT_TRUE(inside("memoryPolicy").required("flags", list).is_ok());
    for (auto const* name : { "actions", "operators", "archs", "knownFlags" })
        EXPECT_TRUE(inside("seccomp").required(name, list).is_ok()) << name;
}

TEST(Features, list_only_words_that_parsing_accepts)
{
    for (auto name : namespace_words())
        EXPECT_EQ(namespace_name(*namespace_by_name(name)), name);
    EXPECT_EQ(namespace_by_name("net"), std::nullopt);
}

} // namespace
} // namespace bulkhead::oci
