#include "base/json.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bulkhead {
namespace {

std::string parse_complaint(std::string_view text)
{
    auto document = JsonDocument::parse(text, "config.json");
    return document.is_error() ? document.error().message : "no complaint";
}

JsonDocument parsed(std::string_view text)
{
    return MUST(JsonDocument::parse(text, "test"));
}

// The text as the tree gives it back.
std::string round_trip(std::string_view text)
{
    auto document = JsonDocument::parse(text, "test");
    return document.is_error() ? "refused" : document.value().root().dump();
}

template <typename T> std::string read_complaint(std::string_view text)
{
    auto document = parsed(text);
    T into {};
    auto read = MUST(document.object()).required("a", into);
    return read.is_error() ? read.error().message : "no complaint";
}

JsonObject object_in(JsonObject const& outer, std::string_view key)
{
    return outer.get(key).value().as_object().value();
}

bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

TEST(Json, values_come_back_as_they_were_written)
{
    EXPECT_EQ(round_trip(R"( { "a" : [ 1 , -2 , true , false , null , "x" ] , "b" : { } } )"), R"({"a":[1,-2,true,false,null,"x"],"b":{}})");
    EXPECT_EQ(round_trip("[]"), "[]");
    EXPECT_EQ(round_trip("\"top\""), "\"top\"");
    EXPECT_EQ(round_trip("18446744073709551615"), "18446744073709551615");
    EXPECT_EQ(round_trip("-9223372036854775808"), "-9223372036854775808");
}

TEST(Json, numbers_beyond_64_bits_and_fractions_keep_their_text)
{
    EXPECT_EQ(round_trip("[18446744073709551616,-9223372036854775809,1.50,2E+3,-0.0]"), "[18446744073709551616,-9223372036854775809,1.50,2E+3,-0.0]");
}

TEST(Json, escapes_stand_for_their_characters)
{
    auto document = parsed(R"(["\"\\\/\b\f\n\r\t","\u0041\u00e9\u20ac\ud83d\ude00","\u0000"])");
    std::string text;
    ASSERT_TRUE(document.root().at(0).read(text).is_ok());
    EXPECT_EQ(text, "\"\\/\b\f\n\r\t");
    ASSERT_TRUE(document.root().at(1).read(text).is_ok());
    EXPECT_EQ(text, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST(Json, a_nul_character_in_a_text_is_refused_with_its_place)
{
    EXPECT_EQ(read_complaint<std::string>(R"({"a":"x\u0000y"})"), "a: contains a NUL character");
    EXPECT_TRUE(contains((read_complaint<std::map<std::string, std::string>>(R"({"a":{"k\u0000":"v"}})")), "NUL"));
}

TEST(Json, malformed_texts_are_refused_as_the_reference_parser_refuses_them)
{
    for (auto const* text : { "", " ", "{", "[", "\"", "\"a", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "[1,]", "[,1]", "[1 2]",
             "{a:1}", "{'a':1}", "tru", "nul", "True", "01", "-", "-a", "1.", ".5", "1e", "1e+", "+1", "0x10", "NaN", "Infinity", "[1]]", "{}{}",
             "1 2", "// c\n1", "\"\t\"", "\"\n\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u-123\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
             "\"\\udc00\"", "\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\"\\", "\"\\u",
             "[\"\\ud800\\u\"]", "{\"a\":1 \"b\":2}", "{\"a\" 1}", "\x01", "[1]\x01" }) {
        EXPECT_EQ(round_trip(text), "refused") << text;
        EXPECT_FALSE(nlohmann::json::accept(text)) << text;
    }
}

TEST(Json, well_formed_texts_mean_what_the_reference_parser_says)
{
    for (auto const* text : { "0", "-0", "-1", "10", "1.5e-3", "1E5", "true", "\"\"", "{\"\":0}", "[[],{},[{}]]",
             "\"\\u00e9\\ud83d\\ude00 \xc3\xa9\xf0\x9f\x98\x80\x7f\"", " \t\r\n[ \t1\r,\n2 ] ", "{\"a\":{\"b\":[{\"c\":null}]}}", "\"\\\\\\\"\"",
             "{\"a\":1,\"b\":2,\"c\":[1,2,3]}" }) {
        auto reference = nlohmann::json::parse(text, nullptr, false);
        EXPECT_EQ(nlohmann::json::parse(round_trip(text), nullptr, false), reference) << text;
    }
}

TEST(Json, a_complaint_about_the_text_names_line_column_and_reason)
{
    EXPECT_EQ(parse_complaint("{\n  \"a\": tru\n}"), "config.json is not usable JSON: line 2, column 8: a value is expected here, before \"tru\"");
    EXPECT_EQ(parse_complaint(""), "config.json is not usable JSON: line 1, column 1: it is empty");
    EXPECT_EQ(parse_complaint("[1"), "config.json is not usable JSON: line 1, column 3: it ends too early");
}

TEST(Json, a_complaint_never_carries_raw_control_characters)
{
    EXPECT_EQ(parse_complaint("[\x1b[31m]").find('\x1b'), std::string::npos);
    auto document = parsed("{\"k\\u001b[31m\":1}");
    std::string text;
    auto key = document.root().as_object().value().keys()[0];
    auto read = MUST(document.object()).required(key, text);
    EXPECT_EQ(read.error().message, "[\"k\\u001b[31m\"]: must be a string, not a number");
}

TEST(Json, places_name_members_and_elements)
{
    auto document = parsed(R"({"linux":{"namespaces":[{"type":"pid"},{"type":7}],"sysctl":{"net.ipv4.ip_forward":1}}})");
    auto object = MUST(document.object());
    auto section = object_in(object, "linux");
    auto second = section.get("namespaces").value().at(1).as_object().value();
    std::string text;
    EXPECT_EQ(second.required("type", text).error().message, "linux.namespaces[1].type: must be a string, not a number");
    EXPECT_EQ(second.required("path", text).error().message, "linux.namespaces[1].path: is missing");
    EXPECT_EQ(second.place(), "linux.namespaces[1]");
    std::map<std::string, std::string> texts;
    EXPECT_EQ(section.required("sysctl", texts).error().message, "linux.sysctl[\"net.ipv4.ip_forward\"]: must be a string, not a number");
}

TEST(Json, a_place_outlives_the_values_it_was_reached_through)
{
    auto document = parsed(R"({"a":{"b":[0,{"c":1}]}})");
    auto reach = [&] { return document.object().value().get("a").value().as_object().value().get("b").value().at(1).as_object().value(); };
    EXPECT_EQ(reach().complaint("c", "is odd").message, "a.b[1].c: is odd");
}

TEST(Json, a_document_that_is_no_object_says_so)
{
    EXPECT_EQ(parsed("[1]").object().error().message, "the document: must be an object, not an array");
}

TEST(Json, null_counts_as_absent)
{
    auto document = parsed(R"({"a":null})");
    auto object = MUST(document.object());
    std::string text = "before";
    EXPECT_TRUE(object.optional("a", text).is_ok());
    EXPECT_EQ(text, "before");
    EXPECT_FALSE(object.has("a"));
    EXPECT_EQ(object.required("a", text).error().message, "a: is missing");
}

TEST(Json, of_members_with_the_same_name_the_last_one_counts)
{
    auto document = parsed(R"({"a":1,"a":2,"b":{"k":"x","k":"y"}})");
    auto object = MUST(document.object());
    std::uint32_t number = 0;
    ASSERT_TRUE(object.required("a", number).is_ok());
    EXPECT_EQ(number, 2U);
    std::map<std::string, std::string> texts;
    ASSERT_TRUE(object.required("b", texts).is_ok());
    EXPECT_EQ(texts.at("k"), "y");
    EXPECT_EQ(document.unread_members(10), std::vector<std::string> { "a" });
}

TEST(Json, numbers_out_of_range_are_refused_for_every_type)
{
    EXPECT_EQ(read_complaint<std::uint16_t>(R"({"a":65536})"), "a: 65536 is too large (at most 65535)");
    EXPECT_EQ(read_complaint<std::uint16_t>(R"({"a":65535})"), "no complaint");
    EXPECT_EQ(read_complaint<std::uint32_t>(R"({"a":-1})"), "a: -1 is too small (at least 0)");
    EXPECT_EQ(read_complaint<std::uint32_t>(R"({"a":4294967296})"), "a: 4294967296 is too large (at most 4294967295)");
    EXPECT_EQ(read_complaint<std::int32_t>(R"({"a":-2147483649})"), "a: -2147483649 is too small (at least -2147483648)");
    EXPECT_EQ(read_complaint<std::int64_t>(R"({"a":9223372036854775808})"), "a: 9223372036854775808 is too large (at most 9223372036854775807)");
    EXPECT_EQ(read_complaint<std::int64_t>(R"({"a":-9223372036854775808})"), "no complaint");
    EXPECT_EQ(read_complaint<std::uint64_t>(R"({"a":18446744073709551616})"), "a: 18446744073709551616 is too large (at most 18446744073709551615)");
    EXPECT_EQ(
        read_complaint<std::int64_t>(R"({"a":-99999999999999999999})"), "a: -99999999999999999999 is too small (at least -9223372036854775808)");
    EXPECT_LT(read_complaint<std::uint64_t>("{\"a\":1" + std::string(500, '0') + "}").size(), 100U);
}

TEST(Json, fractions_are_no_whole_numbers)
{
    EXPECT_EQ(read_complaint<std::uint32_t>(R"({"a":1.0})"), "a: must be a whole number");
    EXPECT_EQ(read_complaint<std::uint32_t>(R"({"a":1e3})"), "a: must be a whole number");
    EXPECT_EQ(read_complaint<std::uint32_t>(R"({"a":"1"})"), "a: must be a number, not a string");
    EXPECT_EQ(read_complaint<double>(R"({"a":1.5})"), "no complaint");
    EXPECT_EQ(read_complaint<double>(R"({"a":1e999})"), "a: is a number too large or too close to 0");
}

TEST(Json, wrong_types_are_named)
{
    EXPECT_EQ(read_complaint<bool>(R"({"a":1})"), "a: must be a boolean, not a number");
    EXPECT_EQ(read_complaint<std::string>(R"({"a":{}})"), "a: must be a string, not an object");
    EXPECT_EQ(read_complaint<std::vector<std::string>>(R"({"a":"x"})"), "a: must be an array, not a string");
    EXPECT_EQ(read_complaint<std::vector<std::string>>(R"({"a":["x",null]})"), "a[1]: must be a string, not null");
    EXPECT_EQ((read_complaint<std::map<std::string, std::string>>(R"({"a":[]})")), "a: must be an object, not an array");
}

TEST(Json, nesting_is_bounded)
{
    auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_EQ(parse_complaint(nested(JsonDocument::max_depth)), "no complaint");
    EXPECT_TRUE(contains(parse_complaint(nested(JsonDocument::max_depth + 1)), "nested more than 64 deep"));
    EXPECT_TRUE(contains(parse_complaint(std::string(10'000'000, '[')), "nested more than 64 deep"));
    std::string objects;
    for (int depth = 0; depth < 100'000; ++depth)
        objects += "{\"a\":";
    EXPECT_TRUE(contains(parse_complaint(objects), "nested more than 64 deep"));
}

TEST(Json, size_and_number_of_values_are_bounded)
{
    EXPECT_EQ(round_trip("\"" + std::string(10'000'000, 'x') + "\"").size(), 10'000'002U);
    EXPECT_TRUE(contains(parse_complaint(std::string(JsonDocument::max_text + 1, ' ')), "is larger than 16 MiB"));
    std::string many = "[0";
    for (std::size_t count = 0; count < JsonDocument::max_values; ++count)
        many += ",0";
    EXPECT_TRUE(contains(parse_complaint(many + "]"), "more than 1000000 values"));
}

TEST(Json, lists_longer_than_a_block_keep_their_order_and_places)
{
    std::string text = "[";
    for (int number = 0; number < 1000; ++number)
        text += (number ? ",[" : "[") + std::to_string(number) + ",[\"x\"]]";
    auto document = parsed(text + "]");
    ASSERT_EQ(document.root().size(), 1000U);
    for (std::uint32_t index = 0; index < 1000; ++index) {
        std::uint32_t number = 0;
        ASSERT_TRUE(document.root().at(index).at(0).read(number).is_ok());
        EXPECT_EQ(number, index);
    }
    EXPECT_EQ(document.root().at(999).at(1).at(0).place().text(), "[999][1][0]");
}

TEST(Json, members_that_nobody_read_are_listed)
{
    auto document = parsed(R"({"known":{"x":1,"y":2},"map":{"free":"form"},"unknown":{"inner":1},"list":[{"z":1},{"w":1}]})");
    auto object = MUST(document.object());
    auto known = object_in(object, "known");
    EXPECT_TRUE(known.has("x"));
    std::map<std::string, std::string> map;
    EXPECT_TRUE(object.optional("map", map).is_ok());
    auto list = MUST(object.get("list"));
    EXPECT_TRUE(MUST(list.at(0).as_object()).has("z"));
    EXPECT_TRUE(list.at(1).as_object().is_ok());
    EXPECT_EQ(document.unread_members(10), (std::vector<std::string> { "known.y", "unknown", "list[1].w" }));
    EXPECT_EQ(document.unread_members(1), std::vector<std::string> { "known.y" });
}

TEST(JsonWriter, writes_compact_and_indented_text)
{
    auto write = [](int indent) {
        JsonWriter json(indent);
        json.begin_object().member("a", 1).member("b", std::vector<std::string> { "x", "y" });
        json.key("c").begin_object().end_object();
        json.key("d").begin_array().end_array();
        json.key("e").null();
        json.end_object();
        return json.text();
    };
    EXPECT_EQ(write(0), R"({"a":1,"b":["x","y"],"c":{},"d":[],"e":null})");
    EXPECT_EQ(write(2), "{\n  \"a\": 1,\n  \"b\": [\n    \"x\",\n    \"y\"\n  ],\n  \"c\": {},\n  \"d\": [],\n  \"e\": null\n}");
}

TEST(JsonWriter, quotes_what_needs_quoting_and_replaces_what_is_not_utf8)
{
    auto written = [](std::string_view text) { return JsonWriter().value(text).text(); };
    EXPECT_EQ(written("a\"\\\n\r\t\x01\x1f\x7f/"), R"("a\"\\\n\r\t\u0001\u001f\u007f/")");
    EXPECT_EQ(written("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\"");
    EXPECT_EQ(written("a\xff\xc3"), "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
    EXPECT_EQ(written(std::string_view("\0", 1)), R"("\u0000")");
}

TEST(JsonWriter, numbers_are_written_exactly)
{
    JsonWriter json;
    json.begin_array();
    json.value(std::int64_t { -9'223'372'036'854'775'807 - 1 }).value(std::uint64_t { 18'446'744'073'709'551'615U });
    json.value(0.1).value(1e300 * 1e10).value(true).end_array();
    EXPECT_EQ(json.text(), "[-9223372036854775808,18446744073709551615,0.1,null,true]");
}

TEST(JsonWriter, what_it_writes_the_reader_reads)
{
    std::string every_byte;
    for (int byte = 1; byte < 128; ++byte)
        every_byte += static_cast<char>(byte);
    auto document = parsed(JsonWriter().value(every_byte).text());
    std::string back;
    ASSERT_TRUE(document.root().read(back).is_ok());
    EXPECT_EQ(back, every_byte);
}

} // namespace
} // namespace bulkhead
