// The command line as Go programs take it, since engines write it for runc: "--flag value", "--flag=value", "-flag", and
// no flag is looked for behind the first argument. A command declares its flags and gets references to their values.
//
// Written by hand: CLI11 has other rules (one dash, where flags end), needs exceptions, and costs more at start-up than
// all the rest of a short command.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bulkhead::cli {

class Session;

class Command {
public:
    Command(std::string name, std::string summary)
        : m_name(std::move(name))
        , m_summary(std::move(summary))
    {
    }
    Command(Command const&) = delete;
    Command& operator=(Command const&) = delete;

    // NAMES are separated by commas, the long one first: "detach,d". The references live as long as the command.
    bool const& flag(std::string_view names, std::string_view help);
    std::string const& text(std::string_view names, std::string_view value_name, std::string_view help, std::string initial = {});
    std::optional<std::string> const& optional_text(std::string_view names, std::string_view value_name, std::string_view help);
    std::vector<std::string> const& texts(std::string_view names, std::string_view value_name, std::string_view help);
    std::optional<std::int64_t> const& number(std::string_view names, std::string_view value_name, std::string_view help);

    std::string const& argument(std::string_view name, std::string_view help);
    std::string const& optional_argument(std::string_view name, std::string_view help);
    // All that is left, flags of other programs included.
    std::vector<std::string> const& rest(std::string_view name, std::string_view help);

    // The result is the exit status.
    void runs(std::function<Result<int>()> action) { m_action = std::move(action); }
    // For commands that people type: flags may also stand behind arguments.
    void allow_flags_anywhere() { m_flags_anywhere = true; }
    // What `--help` says below the summary.
    void describe(std::string text) { m_description = std::move(text); }

    // Takes flags up to the first word that is none, and returns the words from there on. Empty WORDS is fine.
    Result<std::span<char const* const>> parse_flags(std::span<char const* const> words);
    // Gives the words behind the flags to the arguments.
    Result<Unit> parse_arguments(std::span<char const* const> words);
    bool asks_for_help() const { return m_asks_for_help; }
    bool was_given(void const* value) const; // whether the flag with this value was on the command line
    Result<int> run() const { return m_action(); }
    std::string const& name() const { return m_name; }
    std::string const& summary() const { return m_summary; }
    std::string help() const;

private:
    using Value = std::variant<bool*, std::string*, std::optional<std::string>*, std::vector<std::string>*, std::optional<std::int64_t>*>;
    struct Flag {
        std::vector<std::string> names;
        Value value;
        std::string value_name;
        std::string help;
        bool was_given = false;
    };
    enum class Arity { one, at_most_one, any };
    struct Argument {
        std::string name;
        std::string help;
        Arity arity;
        std::string* text;
        std::vector<std::string>* texts;
    };
    Flag* find(std::string_view name);
    void add(std::string_view names, std::string_view value_name, std::string_view help, Value);
    Result<Unit> set(Flag&, std::string_view written, std::string_view value) const;
    Error usage(std::string message) const;
    std::string title() const;

    std::string m_name;
    std::string m_summary;
    std::string m_description;
    std::function<Result<int>()> m_action;
    std::deque<Flag> m_flags;
    std::deque<Argument> m_arguments;
    std::deque<bool> m_bools;
    std::deque<std::string> m_texts;
    std::deque<std::optional<std::string>> m_optional_texts;
    std::deque<std::vector<std::string>> m_lists;
    std::deque<std::optional<std::int64_t>> m_numbers;
    bool m_asks_for_help = false;
    bool m_flags_anywhere = false;
};

// What a file of commands/ gets: a place to declare its command, and the means to carry it out.
class CommandLine {
public:
    explicit CommandLine(Session& of)
        : session(of)
    {
    }
    Command& add(std::string name, std::string summary) { return m_commands.emplace_back(std::move(name), std::move(summary)); }
    std::deque<Command>& commands() { return m_commands; }

    Session& session;

private:
    std::deque<Command> m_commands;
};

// "1", "t", "true", "0", "f", "false" in any case, as Go's flags take them.
std::optional<bool> parse_bool(std::string_view);

} // namespace bulkhead::cli
