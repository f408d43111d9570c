// Result<T> and SysResult<T>: a value or the reason why there is none. No exceptions anywhere in the project.
// Result carries an Error that a person reads; SysResult carries only an Errno. They never convert silently.
#pragma once

#include "base/error.h"

#include <cstdlib>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace bulkhead {

struct Unit { };

template <typename T, typename E> class [[nodiscard]] Outcome {
public:
    using Value = T;

    Outcome(T value) // NOLINT(google-explicit-constructor): `return value;` is the idiom
        : m_state(std::in_place_index<0>, std::move(value))
    {
    }
    Outcome(E error) // NOLINT(google-explicit-constructor): `return Error { ... };` is the idiom
        : m_state(std::in_place_index<1>, std::move(error))
    {
    }

    bool is_error() const { return m_state.index() == 1; }
    bool is_ok() const { return m_state.index() == 0; }
    T& value() & { return *std::get_if<0>(&m_state); }
    T const& value() const& { return *std::get_if<0>(&m_state); }
    E& error() & { return *std::get_if<1>(&m_state); }
    E const& error() const& { return *std::get_if<1>(&m_state); }
    T release_value() { return std::move(*std::get_if<0>(&m_state)); }
    E release_error() { return std::move(*std::get_if<1>(&m_state)); }

    // Says what was being done when the error came: "mount /proc". Outer contexts come first in the text.
    Outcome context(std::string_view doing) && requires std::is_same_v<E, Error>
    {
        if (is_error())
            error().add_context(doing);
        return std::move(*this);
    }
    // The same where making the text costs something: DOING is called only on an error.
    template <typename Doing>
    requires std::is_invocable_r_v<std::string, Doing> && std::is_same_v<E, Error> Outcome context(Doing doing) && {
        if (is_error())
            error().add_context(doing());
        return std::move(*this);
    }
    // Turns an Errno into an Error with words.
    Outcome<T, Error> or_error(std::string_view doing) && requires std::is_same_v<E, Errno>
    {
        if (is_error())
            return Error::from_errno(error(), doing);
        return release_value();
    }

private:
    std::variant<T, E> m_state;
};

template <typename T> using Result = Outcome<T, Error>;
template <typename T> using SysResult = Outcome<T, Errno>;

inline Unit ok()
{
    return {};
}

[[noreturn]] void crash(char const* expression, char const* file, int line);

} // namespace bulkhead

// Only ever a whole initializer, a whole statement, or a whole `return` operand: inside a braced initializer both
// supported compilers skip the destructors of members already built. tools/check_layers.py rejects other uses.
#define TRY(expression)                                                                                                                              \
    (__extension__({                                                                                                                                 \
        auto try_result_ = (expression);                                                                                                             \
        if (try_result_.is_error()) [[unlikely]]                                                                                                     \
            return try_result_.release_error();                                                                                                      \
        try_result_.release_value();                                                                                                                 \
    }))

// For what can fail only through a bug here.
#define MUST(expression)                                                                                                                             \
    (__extension__({                                                                                                                                 \
        auto must_result_ = (expression);                                                                                                            \
        if (must_result_.is_error()) [[unlikely]]                                                                                                    \
            ::bulkhead::crash(#expression, __FILE__, __LINE__);                                                                                      \
        must_result_.release_value();                                                                                                                \
    }))
