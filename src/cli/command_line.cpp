#include "cli/command_line.h"
#include "base/text.h"

#include <algorithm>

namespace bulkhead::cli {

namespace {

std::vector<std::string> names_in(std::string_view names)
{
    std::vector<std::string> result;
    for (auto name : split(names, ','))
        result.emplace_back(name);
    return result;
}

std::string with_dashes(std::string_view name)
{
    return (name.size() == 1 ? "-" : "--") + std::string(name);
}

// Texts in two columns, the second one starting at the same place in every line.
std::string table(std::vector<std::pair<std::string, std::string>> const& rows)
{
    std::size_t width = 0;
    for (auto const& [left, right] : rows)
        width = std::max(width, left.size());
    std::string text;
    for (auto const& [left, right] : rows)
        text += "   " + left + std::string(width - left.size() + 2, ' ') + right + "\n";
    return text;
}

} // namespace

std::optional<bool> parse_bool(std::string_view text)
{
    std::string word(text);
    std::transform(word.begin(), word.end(), word.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (word == "1" || word == "t" || word == "true")
        return true;
    if (word == "0" || word == "f" || word == "false")
        return false;
    return std::nullopt;
}

void Command::add(std::string_view names, std::string_view value_name, std::string_view help, Value value)
{
    m_flags.push_back({ .names = names_in(names), .value = value, .value_name = std::string(value_name), .help = std::string(help) });
}

bool const& Command::flag(std::string_view names, std::string_view help)
{
    auto& value = m_bools.emplace_back(false);
    add(names, "", help, &value);
    return value;
}

std::string const& Command::text(std::string_view names, std::string_view value_name, std::string_view help, std::string initial)
{
    auto& value = m_texts.emplace_back(std::move(initial));
    add(names, value_name, help, &value);
    return value;
}

std::optional<std::string> const& Command::optional_text(std::string_view names, std::string_view value_name, std::string_view help)
{
    auto& value = m_optional_texts.emplace_back();
    add(names, value_name, help, &value);
    return value;
}

std::vector<std::string> const& Command::texts(std::string_view names, std::string_view value_name, std::string_view help)
{
    auto& value = m_lists.emplace_back();
    add(names, value_name, help, &value);
    return value;
}

std::optional<std::int64_t> const& Command::number(std::string_view names, std::string_view value_name, std::string_view help)
{
    auto& value = m_numbers.emplace_back();
    add(names, value_name, help, &value);
    return value;
}

std::string const& Command::argument(std::string_view name, std::string_view help)
{
    auto& value = m_texts.emplace_back();
    m_arguments.push_back({ std::string(name), std::string(help), Arity::one, &value, nullptr });
    return value;
}

std::string const& Command::optional_argument(std::string_view name, std::string_view help)
{
    auto& value = m_texts.emplace_back();
    m_arguments.push_back({ std::string(name), std::string(help), Arity::at_most_one, &value, nullptr });
    return value;
}

std::vector<std::string> const& Command::rest(std::string_view name, std::string_view help)
{
    auto& value = m_lists.emplace_back();
    m_arguments.push_back({ std::string(name), std::string(help), Arity::any, nullptr, &value });
    return value;
}

std::string Command::title() const
{
    return m_name == "bulkhead" ? m_name : "bulkhead " + m_name;
}

Error Command::usage(std::string message) const
{
    return invalid(std::move(message), title() + " --help");
}

Command::Flag* Command::find(std::string_view name)
{
    for (auto& flag : m_flags) {
        if (std::find(flag.names.begin(), flag.names.end(), name) != flag.names.end())
            return &flag;
    }
    return nullptr;
}

bool Command::was_given(void const* value) const
{
    return std::any_of(m_flags.begin(), m_flags.end(), [&](Flag const& flag) {
        return flag.was_given && std::visit([&](auto* held) { return static_cast<void const*>(held) == value; }, flag.value);
    });
}

Result<Unit> Command::set(Flag& flag, std::string_view written, std::string_view value) const
{
    flag.was_given = true;
    auto bad = [&](std::string_view expected) {
        return usage("invalid value " + quoted(value) + " for flag " + std::string(written) + ": " + std::string(expected));
    };
    if (auto* truth = std::get_if<bool*>(&flag.value)) {
        auto parsed = parse_bool(value);
        if (!parsed)
            return bad("write true or false");
        **truth = *parsed;
    } else if (auto* text = std::get_if<std::string*>(&flag.value)) {
        **text = value;
    } else if (auto* optional = std::get_if<std::optional<std::string>*>(&flag.value)) {
        **optional = std::string(value);
    } else if (auto* list = std::get_if<std::vector<std::string>*>(&flag.value)) {
        (*list)->emplace_back(value);
    } else if (auto* number = std::get_if<std::optional<std::int64_t>*>(&flag.value)) {
        auto parsed = parse_number<std::int64_t>(value);
        if (!parsed)
            return bad("write a whole number");
        **number = *parsed;
    }
    return ok();
}

Result<std::span<char const* const>> Command::parse_flags(std::span<char const* const> words)
{
    for (std::size_t index = 0; index < words.size(); ++index) {
        std::string_view word = words[index];
        if (word.size() < 2 || word.front() != '-')
            return words.subspan(index);
        if (word == "--")
            return words.subspan(index + 1);
        auto body = word.substr(word[1] == '-' ? 2 : 1);
        auto equals = body.find('=');
        auto name = body.substr(0, equals);
        if (name == "help" || name == "h") {
            m_asks_for_help = true;
            continue;
        }
        auto* flag = find(name);
        if (!flag)
            return usage(
                "flag provided but not defined: " + std::string(word.substr(0, word.size() - body.size() + name.size())) + " (of " + title() + ")");
        auto written = with_dashes(name);
        if (equals != std::string_view::npos) {
            TRY(set(*flag, written, body.substr(equals + 1)));
        } else if (std::holds_alternative<bool*>(flag->value)) {
            TRY(set(*flag, written, "true"));
        } else {
            if (++index == words.size())
                return usage("flag needs an argument: " + written);
            TRY(set(*flag, written, words[index]));
        }
    }
    return std::span<char const* const> {};
}

Result<Unit> Command::parse_arguments(std::span<char const* const> words)
{
    std::vector<char const*> plain;
    if (m_flags_anywhere) {
        while (!words.empty()) {
            plain.push_back(words.front());
            words = TRY(parse_flags(words.subspan(1)));
        }
        words = plain;
    }
    std::size_t index = 0;
    for (auto& argument : m_arguments) {
        if (argument.arity == Arity::any) {
            for (; index < words.size(); ++index)
                argument.texts->emplace_back(words[index]);
        } else if (index < words.size()) {
            *argument.text = words[index++];
        } else if (argument.arity == Arity::one) {
            return usage(title() + ": <" + argument.name + "> is missing");
        }
    }
    if (index < words.size())
        return usage(
            title() + ": " + quoted(words[index]) + " is one argument too many" + (words[index][0] == '-' ? " (flags go before arguments)" : ""));
    return ok();
}

std::string Command::help() const
{
    std::string text = title() + ": " + m_summary + "\n\nUSAGE:\n   " + title();
    if (!m_flags.empty())
        text += " [flags]";
    std::vector<std::pair<std::string, std::string>> rows;
    for (auto const& argument : m_arguments) {
        auto word = argument.arity == Arity::one ? "<" + argument.name + ">"
            : argument.arity == Arity::any       ? "[" + argument.name + "...]"
                                                 : "[" + argument.name + "]";
        text += " " + word;
        rows.emplace_back(word, argument.help);
    }
    if (m_name == "bulkhead")
        text += " <command> ...";
    text += "\n";
    if (!m_description.empty())
        text += "\n" + m_description + "\n";
    if (!rows.empty())
        text += "\nARGUMENTS:\n" + table(rows);
    rows.clear();
    for (auto const& flag : m_flags) {
        std::vector<std::string> names;
        for (auto const& name : flag.names)
            names.push_back(with_dashes(name));
        rows.emplace_back(join(names, ", ") + (flag.value_name.empty() ? "" : " " + flag.value_name), flag.help);
    }
    if (!rows.empty())
        text += "\nFLAGS:\n" + table(rows);
    return text;
}

} // namespace bulkhead::cli
