#include "cli/isolation_choice.h"
#include "base/text.h"
#include "isolations/list.h"

#include <algorithm>

namespace bulkhead::cli {

namespace {

// The place in the list that goes from the weakest to the strongest.
std::optional<std::size_t> strength(std::string_view name)
{
    auto const& known = isolations::known_names();
    auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end())
        return std::nullopt;
    return static_cast<std::size_t>(found - known.begin());
}

Error unknown(std::string_view name, std::string_view where)
{
    return invalid("unknown isolation " + quoted(name) + " in " + std::string(where), "write one of namespaces, userns, sentry, microvm");
}

Result<std::string> checked(std::string_view name, std::string_view where)
{
    if (!strength(name))
        return unknown(name, where);
    return std::string(name);
}

} // namespace

Result<std::string> choose_isolation(IsolationWishes const& wishes)
{
    if (!wishes.flag.empty())
        return checked(wishes.flag, "--isolation");
    constexpr std::string_view prefix = "bulkhead-";
    if (wishes.program_name.starts_with(prefix) && strength(wishes.program_name.substr(prefix.size())))
        return wishes.program_name.substr(prefix.size());
    auto configured = std::string(isolations::known_names().front());
    if (wishes.settings.isolation)
        configured = TRY(checked(*wishes.settings.isolation, "the settings (runtime.isolation)"));
    auto annotated = wishes.annotations.find(std::string(isolation_annotation));
    if (annotated == wishes.annotations.end())
        return configured;
    auto wanted = TRY(checked(annotated->second, "the annotation dev.bulkhead.isolation"));
    if (wanted == configured)
        return configured;
    // Never silently another isolation than the container asks for.
    if (!wishes.settings.allow_annotation)
        return Error { .code = Errno::perm,
            .message = "the annotation dev.bulkhead.isolation asks for " + quoted(wanted) + ", but annotations may not choose the isolation here",
            .hint = "set allow_annotation = true under [runtime] in " + std::string(default_settings_path) + ", or pass --isolation" };
    if (*strength(wanted) < *strength(configured))
        return Error { .code = Errno::perm,
            .message
            = "the annotation dev.bulkhead.isolation asks for " + quoted(wanted) + ", which is weaker than the configured " + quoted(configured),
            .hint = "ask for a stronger one, or change runtime.isolation in " + std::string(default_settings_path) };
    return wanted;
}

Result<isolation::Isolation const*> find_isolation(std::string_view name)
{
    if (auto const* found = isolations::find(name))
        return found;
    if (strength(name))
        return Error { .code = Errno::notsup,
            .message = "isolation " + quoted(name) + " is not part of this version of bulkhead",
            .hint = "use --isolation=namespaces" };
    return unknown(name, "the request");
}

} // namespace bulkhead::cli
