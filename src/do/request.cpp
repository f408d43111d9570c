#include "do/request.h"

#include "base/text.h"

#include <algorithm>
#include <cstdlib>

namespace bulkhead::do_command {

Result<std::int64_t> parse_size(std::string_view text)
{
    auto bad = [&] { return invalid("invalid size " + quoted(text), "write bytes, or a number with k, m, g or t: 512m"); };
    std::int64_t unit = 1;
    auto digits = text;
    if (!text.empty()) {
        constexpr std::string_view letters = "kmgt";
        auto found = letters.find(static_cast<char>(text.back() | 0x20));
        if (found != std::string_view::npos && text.back() > '9') {
            unit = std::int64_t { 1 } << (10 * (found + 1));
            digits.remove_suffix(1);
        }
    }
    auto number = parse_number<std::int64_t>(digits);
    if (!number || *number <= 0 || *number > INT64_MAX / unit)
        return bad();
    return *number * unit;
}

Result<std::vector<std::string>> make_environment(std::vector<std::string> const& wishes)
{
    std::vector<std::string> environment { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
    auto set = [&](std::string const& name, std::string const& value) {
        std::erase_if(environment, [&](std::string const& one) { return one.starts_with(name + "="); });
        environment.push_back(name + "=" + value);
    };
    for (auto const* name : { "TERM", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "TZ" })
        if (auto const* value = std::getenv(name))
            set(name, value);
    for (auto const& wish : wishes) {
        auto equals = wish.find('=');
        auto name = wish.substr(0, equals);
        if (name.empty())
            return invalid("invalid --env " + quoted(wish), "write NAME=VALUE, or NAME to pass your own value on");
        if (equals != std::string::npos)
            set(name, wish.substr(equals + 1));
        else if (auto const* value = std::getenv(name.c_str()))
            set(name, value);
    }
    return environment;
}

namespace {

using Fields = std::vector<std::string_view>;

// The line whose first field is NAME, or whose third one is the number NAME.
std::optional<Fields> find_line(std::string_view database, std::string_view name)
{
    std::optional<Fields> by_number;
    for (auto line : split(database, '\n')) {
        auto fields = split(line, ':');
        if (fields.size() < 4)
            continue;
        if (fields[0] == name)
            return fields;
        if (!by_number && fields[2] == name)
            by_number = fields;
    }
    return by_number;
}

std::vector<std::uint32_t> groups_of(std::string_view user, std::string_view group_database)
{
    std::vector<std::uint32_t> groups;
    for (auto line : split(group_database, '\n')) {
        auto fields = split(line, ':');
        if (fields.size() != 4)
            continue;
        auto members = split(fields[3], ',');
        auto gid = parse_number<std::uint32_t>(fields[2]);
        if (gid && std::find(members.begin(), members.end(), user) != members.end())
            groups.push_back(*gid);
    }
    return groups;
}

} // namespace

Result<UserChoice> find_user(std::string_view wish, std::string_view passwd, std::string_view group)
{
    auto colon = wish.find(':');
    auto user_part = wish.substr(0, colon);
    UserChoice choice;
    auto known = find_line(passwd, user_part);
    auto number = parse_number<std::uint32_t>(user_part);
    if (known) {
        choice.uid = parse_number<std::uint32_t>((*known)[2]).value_or(UINT32_MAX);
        choice.gid = parse_number<std::uint32_t>((*known)[3]).value_or(UINT32_MAX);
        choice.groups = groups_of((*known)[0], group);
    } else if (number) {
        choice.uid = *number;
    } else {
        return Error { .code = Errno::noent, .message = "unknown user " + quoted(user_part), .hint = "write a name of /etc/passwd, or a number" };
    }
    if (colon != std::string_view::npos) {
        auto group_part = wish.substr(colon + 1);
        auto line = find_line(group, group_part);
        auto gid = line ? parse_number<std::uint32_t>((*line)[2]) : parse_number<std::uint32_t>(group_part);
        if (!gid)
            return Error {
                .code = Errno::noent, .message = "unknown group " + quoted(group_part), .hint = "write a name of /etc/group, or a number"
            };
        choice.gid = *gid;
        choice.groups.clear();
    }
    if (choice.uid == UINT32_MAX || choice.gid == UINT32_MAX)
        return invalid("the user " + quoted(wish) + " has no usable id");
    return choice;
}

} // namespace bulkhead::do_command
