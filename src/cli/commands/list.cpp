#include "base/log.h"
#include "base/text.h"
#include "cli/container_json.h"
#include "cli/session.h"

#include <algorithm>

namespace bulkhead::cli {

namespace {

using Row = std::vector<std::string>;

std::string status_word(container::ListedContainer const& one)
{
    if (!one.record && !one.trouble.empty())
        return "broken";
    return std::string(oci::status_name(one.status));
}

std::string as_table(std::vector<container::ListedContainer> const& listed)
{
    std::vector<Row> rows { { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" } };
    for (auto const& one : listed) {
        rows.push_back({ one.id, std::to_string(one.pid), status_word(one), one.record ? one.record->bundle : "",
            one.record ? one.record->created : "", one.record ? user_name(one.record->owner) : "" });
    }
    std::vector<std::size_t> widths(rows.front().size(), 9);
    for (auto const& row : rows) {
        for (std::size_t column = 0; column < row.size(); ++column)
            widths[column] = std::max(widths[column], row[column].size());
    }
    std::string text;
    for (auto const& row : rows) {
        for (std::size_t column = 0; column < row.size(); ++column)
            text += row[column] + (column + 1 < row.size() ? std::string(widths[column] + 3 - row[column].size(), ' ') : "\n");
    }
    return text;
}

std::string as_json(std::vector<container::ListedContainer> const& listed)
{
    JsonWriter json;
    json.begin_array();
    for (auto const& one : listed) {
        if (one.record) {
            write_container(json, *one.record, one.status, one.pid);
            continue;
        }
        json.begin_object().member("id", one.id).member("pid", 0).member("status", status_word(one)).end_object();
    }
    json.end_array();
    return json.text() + "\n";
}

Result<int> list(Session const& session, std::string const& format, bool quiet)
{
    if (format != "table" && format != "json")
        return invalid("invalid format option: " + quoted(format), "write table or json");
    auto containers = TRY(session.containers());
    auto listed = TRY(containers.list());
    for (auto const& one : listed) {
        if (!one.trouble.empty())
            log::warning("the state of a container cannot be used",
                { { "id", one.id }, { "reason", one.trouble }, { "try", "bulkhead delete --force " + one.id } });
    }
    std::string text;
    if (quiet) {
        for (auto const& one : listed)
            text += one.id + "\n";
    } else {
        text = format == "json" ? as_json(listed) : as_table(listed);
    }
    TRY(print(text));
    return 0;
}

} // namespace

void add_list(CommandLine& line)
{
    auto& command = line.add("list", "list the containers of --root");
    auto const& format = command.text("format,f", "FORMAT", "table or json", "table");
    auto const& quiet = command.flag("quiet,q", "ids only");
    command.runs([&line, &format, &quiet] { return list(line.session, format, quiet); });
}

} // namespace bulkhead::cli
