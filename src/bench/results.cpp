#include "bench/results.h"

#include "base/json.h"

#include <algorithm>
#include <cstdio>

namespace bulkhead::bench {

namespace {

using Row = std::vector<std::string>;

struct Table {
    std::string title;
    std::vector<Row> rows; // the first one is the head
};

std::string fixed(double number, int digits)
{
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, number);
    return text;
}

// "0.75x": how much of the other's time or memory the first runtime needs.
std::string ratio(double first, double other)
{
    return other > 0 && first > 0 ? fixed(first / other, 2) + "x" : "-";
}

Row series_row(std::string const& name, SeriesSummary const& own, SeriesSummary const& first, bool is_first)
{
    return { name, fixed(own.wall_ms.median, 2), fixed(own.wall_ms.min, 2), fixed(own.wall_ms.p90, 2), fixed(own.cpu_ms.median, 2),
        fixed(100 * own.kernel_part, 0) + " %", own.peak_kib.median > 0 ? fixed(own.peak_kib.median / 1024, 2) : "-",
        is_first ? "" : ratio(first.wall_ms.median, own.wall_ms.median), is_first ? "" : ratio(first.peak_kib.median, own.peak_kib.median) };
}

Row series_head(std::string const& first)
{
    return { "", "median ms", "min", "p90", "CPU ms", "in kernel", "peak MiB", first + " takes", "its memory" };
}

Table series_table(Results const& results, std::string title, Series RuntimeResult::*series, Series const* floor)
{
    Table table { .title = std::move(title), .rows = {} };
    auto const& first = results.runtimes.front();
    auto first_summary = summary_of(first.*series);
    for (auto const& runtime : results.runtimes)
        if (!(runtime.*series).empty())
            table.rows.push_back(series_row(runtime.name, summary_of(runtime.*series), first_summary, &runtime == &first));
    if (floor && !floor->empty())
        table.rows.push_back(series_row("(floor)", summary_of(*floor), first_summary, false));
    if (!table.rows.empty())
        table.rows.insert(table.rows.begin(), series_head(first.name));
    return table;
}

Table parallel_table(Results const& results)
{
    Table table { .title = "create, start and delete of " + std::to_string(results.parallel_count) + " containers at once", .rows = {} };
    auto const& first = results.runtimes.front();
    auto first_median = spread_of(first.parallel_ms).median;
    for (auto const& runtime : results.runtimes) {
        if (runtime.parallel_ms.empty())
            continue;
        auto spread = spread_of(runtime.parallel_ms);
        table.rows.push_back({ runtime.name, fixed(spread.median, 1), fixed(spread.min, 1), fixed(spread.p90, 1),
            fixed(spread.median / std::max(1U, results.parallel_count), 2), &runtime == &first ? "" : ratio(first_median, spread.median) });
    }
    if (!table.rows.empty())
        table.rows.insert(table.rows.begin(), { "", "median ms", "min", "p90", "ms each", first.name + " takes" });
    return table;
}

std::vector<Table> tables_of(Results const& results)
{
    std::vector<Table> tables;
    if (results.runtimes.empty())
        return tables;
    auto runs = std::to_string(results.runtimes.front().run.size());
    tables.push_back(series_table(results, "run of a static true, " + runs + " times each, in turn", &RuntimeResult::run, &results.floor));
    tables.push_back(parallel_table(results));
    auto execs = std::to_string(results.runtimes.front().exec.size());
    tables.push_back(
        series_table(results, "exec of a static true in a running container, " + execs + " times each, in turn", &RuntimeResult::exec, nullptr));
    std::erase_if(tables, [](Table const& table) { return table.rows.empty(); });
    return tables;
}

std::vector<std::size_t> widths_of(std::vector<Row> const& rows)
{
    std::vector<std::size_t> widths(rows.front().size(), 0);
    for (auto const& row : rows)
        for (std::size_t column = 0; column < row.size(); ++column)
            widths[column] = std::max(widths[column], row[column].size());
    return widths;
}

// The first column is words, the others are numbers.
std::string aligned(std::string const& text, std::size_t width, bool is_number)
{
    auto blanks = std::string(width - text.size(), ' ');
    return is_number ? blanks + text : text + blanks;
}

std::vector<std::string> all_notes(Results const& results)
{
    std::vector<std::string> notes;
    for (auto const& runtime : results.runtimes)
        if (!runtime.trouble.empty())
            notes.push_back(runtime.name + ": " + runtime.trouble);
    if (!results.floor.empty())
        notes.emplace_back("(floor) is the same kernel work as a straight list of system calls, without a configuration, checks, a filter or state");
    notes.insert(notes.end(), results.notes.begin(), results.notes.end());
    return notes;
}

std::string place_line(Results const& results)
{
    return "Linux " + results.kernel + ", " + std::to_string(results.processors) + " processors, " + results.cgroups;
}

void write_spread(JsonWriter& json, std::string_view name, Spread const& spread)
{
    json.key(name).begin_object();
    json.member("median", spread.median).member("min", spread.min).member("p90", spread.p90);
    json.end_object();
}

void write_series(JsonWriter& json, std::string_view name, Series const& series)
{
    if (series.empty())
        return;
    auto summary = summary_of(series);
    json.key(name).begin_object();
    json.member("runs", static_cast<std::uint64_t>(series.size()));
    write_spread(json, "wall_ms", summary.wall_ms);
    write_spread(json, "cpu_ms", summary.cpu_ms);
    json.member("kernel_part", summary.kernel_part);
    write_spread(json, "peak_kib", summary.peak_kib);
    json.end_object();
}

} // namespace

SeriesSummary summary_of(Series const& series)
{
    std::vector<double> wall;
    std::vector<double> cpu;
    std::vector<double> peak;
    double in_kernel = 0;
    double all = 0;
    for (auto const& sample : series) {
        wall.push_back(sample.wall_ms);
        cpu.push_back(sample.user_ms + sample.system_ms);
        peak.push_back(sample.peak_kib);
        in_kernel += sample.system_ms;
        all += sample.user_ms + sample.system_ms;
    }
    return { .wall_ms = spread_of(std::move(wall)),
        .cpu_ms = spread_of(std::move(cpu)),
        .kernel_part = all > 0 ? in_kernel / all : 0,
        .peak_kib = spread_of(std::move(peak)) };
}

std::string as_table(Results const& results)
{
    auto text = place_line(results) + "\n";
    for (auto const& table : tables_of(results)) {
        text += "\n" + table.title + "\n";
        auto widths = widths_of(table.rows);
        for (auto const& row : table.rows) {
            std::string line = " ";
            for (std::size_t column = 0; column < row.size(); ++column)
                line += " " + aligned(row[column], widths[column], column > 0) + " ";
            line.erase(line.find_last_not_of(' ') + 1);
            text += line + "\n";
        }
    }
    auto notes = all_notes(results);
    for (auto const& note : notes)
        text += (&note == &notes.front() ? "\n" : "") + note + "\n";
    return text;
}

std::string as_markdown(Results const& results)
{
    auto text = place_line(results) + "\n";
    for (auto const& table : tables_of(results)) {
        text += "\n**" + table.title + "**\n\n";
        for (auto const& row : table.rows) {
            text += "|";
            for (auto const& cell : row)
                text += " " + cell + " |";
            text += "\n";
            if (&row != &table.rows.front())
                continue;
            for (std::size_t column = 0; column < row.size(); ++column)
                text += column == 0 ? "|---|" : "---:|";
            text += "\n";
        }
    }
    for (auto const& note : all_notes(results))
        text += "\n- " + note;
    return text + (text.ends_with("\n") ? "" : "\n");
}

std::string as_json(Results const& results)
{
    JsonWriter json(2);
    json.begin_object();
    json.member("kernel", results.kernel).member("processors", results.processors).member("cgroups", results.cgroups);
    json.member("parallel_containers", results.parallel_count);
    json.key("runtimes").begin_array();
    for (auto const& runtime : results.runtimes) {
        json.begin_object().member("name", runtime.name).member("path", runtime.path);
        if (!runtime.trouble.empty())
            json.member("trouble", runtime.trouble);
        write_series(json, "run", runtime.run);
        if (!runtime.parallel_ms.empty())
            write_spread(json, "parallel_ms", spread_of(runtime.parallel_ms));
        write_series(json, "exec", runtime.exec);
        json.end_object();
    }
    json.end_array();
    write_series(json, "floor", results.floor);
    json.member("notes", results.notes);
    json.end_object();
    return json.text() + "\n";
}

} // namespace bulkhead::bench
