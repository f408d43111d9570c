#include "base/log.h"
#include "base/text.h"
#include "cli/session.h"

#include <regex.h>

namespace bulkhead::cli {

namespace {

Result<std::vector<std::string>> matching(container::Containers const& containers, std::string const& pattern)
{
    regex_t expression {};
    if (::regcomp(&expression, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0)
        return invalid("--regex: " + quoted(pattern) + " is not an extended regular expression");
    auto listed = containers.list();
    std::vector<std::string> ids;
    if (listed.is_ok()) {
        for (auto const& one : listed.value()) {
            if (::regexec(&expression, one.id.c_str(), 0, nullptr, 0) == 0)
                ids.push_back(one.id);
        }
    }
    ::regfree(&expression);
    if (listed.is_error())
        return listed.release_error();
    return ids;
}

// All of them, also when one fails.
Result<int> remove_matching(container::Containers const& containers, std::string const& pattern, container::Force force)
{
    auto ids = TRY(matching(containers, pattern));
    Result<int> result = 0;
    for (auto const& id : ids) {
        auto removed = containers.remove(id, force);
        if (!removed.is_error())
            continue;
        if (result.is_error())
            log::error(result.error().message);
        result = removed.release_error();
    }
    return result;
}

} // namespace

void add_delete(CommandLine& line)
{
    auto& command = line.add("delete", "remove what a container leaves behind");
    auto const& force = command.flag("force,f", "kill it first if need be; an unknown container is no error");
    auto const& regex = command.flag("regex,r", "the argument is an extended regular expression: remove every container that it matches");
    auto const& id = command.argument("container-id", "name given to create or run");
    command.runs([&line, &force, &regex, &id]() -> Result<int> {
        auto containers = TRY(line.session.containers());
        auto how = force ? container::Force::yes : container::Force::no;
        if (regex)
            return remove_matching(containers, id, how);
        TRY(containers.remove(id, how));
        return 0;
    });
}

} // namespace bulkhead::cli
