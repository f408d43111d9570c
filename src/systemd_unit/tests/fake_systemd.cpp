// A stand-in for systemd's manager object on a private bus: writes every call into a log file, keeps no unit.
//   fake_systemd BUS-ADDRESS LOG-FILE
// Units whose name contains "broken" end their start job as "failed"; one that contains "leftover" exists until it is reset.
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include <systemd/sd-bus.h>
#include <unistd.h>

namespace {

std::FILE* log_file;
std::set<std::string> reset_units;
std::map<std::string, std::string> slices;
unsigned next_job = 1;

// The variant's value as text; enough for the types that properties have.
std::string value_text(sd_bus_message* message)
{
    char type = 0;
    char const* contents = nullptr;
    sd_bus_message_peek_type(message, &type, &contents);
    if (type == 't') {
        std::uint64_t number = 0;
        sd_bus_message_read(message, "t", &number);
        return std::to_string(number);
    }
    if (type == 'u') {
        std::uint32_t number = 0;
        sd_bus_message_read(message, "u", &number);
        return std::to_string(number);
    }
    if (type == 'y') {
        std::uint8_t number = 0;
        sd_bus_message_read(message, "y", &number);
        return std::to_string(number);
    }
    if (type == 'b') {
        int truth = 0;
        sd_bus_message_read(message, "b", &truth);
        return truth ? "true" : "false";
    }
    if (type == 's') {
        char const* text = nullptr;
        sd_bus_message_read(message, "s", &text);
        return text;
    }
    if (type != 'a' && type != 'r')
        return "?";
    std::string inner = contents;
    sd_bus_message_enter_container(message, type, inner.c_str());
    std::string all;
    while (sd_bus_message_at_end(message, 0) == 0)
        all += (all.empty() ? "" : type == 'a' ? "," : " ") + value_text(message);
    sd_bus_message_exit_container(message);
    return type == 'a' ? "[" + all + "]" : all;
}

void log_properties(sd_bus_message* message, std::string const& unit)
{
    sd_bus_message_enter_container(message, 'a', "(sv)");
    while (sd_bus_message_enter_container(message, 'r', "sv") > 0) {
        char const* name = nullptr;
        sd_bus_message_read(message, "s", &name);
        char type = 0;
        char const* contents = nullptr;
        sd_bus_message_peek_type(message, &type, &contents);
        std::string signature = contents;
        sd_bus_message_enter_container(message, 'v', signature.c_str());
        auto text = value_text(message);
        sd_bus_message_exit_container(message);
        sd_bus_message_exit_container(message);
        std::fprintf(log_file, "  %s:%s=%s\n", name, signature.c_str(), text.c_str());
        if (std::strcmp(name, "Slice") == 0)
            slices[unit] = text;
    }
    sd_bus_message_exit_container(message);
}

int answer_with_job(sd_bus_message* message, std::string const& unit, char const* result)
{
    auto id = next_job++;
    auto job = "/org/freedesktop/systemd1/job/" + std::to_string(id);
    sd_bus_reply_method_return(message, "o", job.c_str());
    return sd_bus_emit_signal(sd_bus_message_get_bus(message), "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss",
        id, job.c_str(), unit.c_str(), result);
}

int start_unit(sd_bus_message* message, void*, sd_bus_error*)
{
    char const* unit = nullptr;
    char const* mode = nullptr;
    sd_bus_message_read(message, "ss", &unit, &mode);
    std::string name = unit;
    std::fprintf(log_file, "start %s %s\n", unit, mode);
    log_properties(message, name);
    std::fflush(log_file);
    if (name.find("leftover") != std::string::npos && !reset_units.contains(name))
        return sd_bus_reply_method_errorf(message, "org.freedesktop.systemd1.UnitExists", "Unit %s already exists.", unit);
    return answer_with_job(message, name, name.find("broken") != std::string::npos ? "failed" : "done");
}

int set_properties(sd_bus_message* message, void*, sd_bus_error*)
{
    char const* unit = nullptr;
    int runtime = 0;
    sd_bus_message_read(message, "sb", &unit, &runtime);
    std::fprintf(log_file, "set %s %s\n", unit, runtime ? "runtime" : "permanent");
    log_properties(message, unit);
    std::fflush(log_file);
    return sd_bus_reply_method_return(message, "");
}

int stop_unit(sd_bus_message* message, void*, sd_bus_error*)
{
    char const* unit = nullptr;
    char const* mode = nullptr;
    sd_bus_message_read(message, "ss", &unit, &mode);
    std::fprintf(log_file, "stop %s %s\n", unit, mode);
    std::fflush(log_file);
    if (std::strstr(unit, "vanished"))
        return sd_bus_reply_method_errorf(message, "org.freedesktop.systemd1.NoSuchUnit", "Unit %s not loaded.", unit);
    return answer_with_job(message, unit, "done");
}

int reset_failed(sd_bus_message* message, void*, sd_bus_error*)
{
    char const* unit = nullptr;
    sd_bus_message_read(message, "s", &unit);
    reset_units.insert(unit);
    std::fprintf(log_file, "reset %s\n", unit);
    std::fflush(log_file);
    return sd_bus_reply_method_return(message, "");
}

int subscribe(sd_bus_message* message, void*, sd_bus_error*)
{
    return sd_bus_reply_method_return(message, "");
}

int version(sd_bus*, char const*, char const*, char const*, sd_bus_message* reply, void*, sd_bus_error*)
{
    return sd_bus_message_append(reply, "s", "v247.3-7+deb11u4");
}

int control_group(sd_bus*, char const* path, char const*, char const*, sd_bus_message* reply, void*, sd_bus_error*)
{
    char* unit = nullptr;
    sd_bus_path_decode(path, "/org/freedesktop/systemd1/unit", &unit);
    auto group = "/" + slices[unit] + "/" + unit;
    std::free(unit);
    return sd_bus_message_append(reply, "s", group.c_str());
}

int find_unit(sd_bus*, char const*, char const*, void*, void** found, sd_bus_error*)
{
    *found = nullptr;
    return 1;
}

sd_bus_vtable const manager_methods[]
    = { SD_BUS_VTABLE_START(0), SD_BUS_METHOD("StartTransientUnit", "ssa(sv)a(sa(sv))", "o", start_unit, SD_BUS_VTABLE_UNPRIVILEGED),
          SD_BUS_METHOD("SetUnitProperties", "sba(sv)", "", set_properties, SD_BUS_VTABLE_UNPRIVILEGED),
          SD_BUS_METHOD("StopUnit", "ss", "o", stop_unit, SD_BUS_VTABLE_UNPRIVILEGED),
          SD_BUS_METHOD("ResetFailedUnit", "s", "", reset_failed, SD_BUS_VTABLE_UNPRIVILEGED),
          SD_BUS_METHOD("Subscribe", "", "", subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
          SD_BUS_PROPERTY("Version", "s", version, 0, SD_BUS_VTABLE_PROPERTY_CONST), SD_BUS_VTABLE_END };

sd_bus_vtable const scope_properties[] = { SD_BUS_VTABLE_START(0), SD_BUS_PROPERTY("ControlGroup", "s", control_group, 0, 0), SD_BUS_VTABLE_END };

// The bus has a name in the file system a moment before it listens.
sd_bus* connect(char const* address)
{
    for (int attempt = 0; attempt < 500; ++attempt) {
        sd_bus* bus = nullptr;
        sd_bus_new(&bus);
        sd_bus_set_address(bus, address);
        sd_bus_set_bus_client(bus, 1);
        if (sd_bus_start(bus) >= 0)
            return bus;
        sd_bus_unref(bus);
        ::usleep(10000);
    }
    return nullptr;
}

} // namespace

int main(int count, char** values)
{
    if (count != 3)
        return 2;
    log_file = std::fopen(values[2], "ae");
    auto* bus = connect(values[1]);
    if (!log_file || !bus)
        return 1;
    sd_bus_add_object_vtable(bus, nullptr, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", manager_methods, nullptr);
    sd_bus_add_fallback_vtable(
        bus, nullptr, "/org/freedesktop/systemd1/unit", "org.freedesktop.systemd1.Scope", scope_properties, find_unit, nullptr);
    if (sd_bus_request_name(bus, "org.freedesktop.systemd1", 0) < 0)
        return 1;
    std::fprintf(log_file, "ready\n");
    std::fflush(log_file);
    for (;;) {
        int code = sd_bus_process(bus, nullptr);
        if (code < 0)
            return 0; // the bus is gone, and so are we
        if (code == 0 && sd_bus_wait(bus, UINT64_MAX) < 0)
            return 0;
    }
}
