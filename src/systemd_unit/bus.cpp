#include "systemd_unit/bus.h"
#include "base/text.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include <unistd.h>

namespace bulkhead::systemd_unit {

namespace {

constexpr char const* service = "org.freedesktop.systemd1";
constexpr char const* object = "/org/freedesktop/systemd1";
constexpr char const* interface = "org.freedesktop.systemd1.Manager";
constexpr std::uint64_t patience = 30 * 1000000ULL; // microseconds

// Holds what sd-bus says of a failed call.
class CallError {
public:
    CallError() = default;
    CallError(CallError const&) = delete;
    CallError& operator=(CallError const&) = delete;
    ~CallError() { sd_bus_error_free(&m_error); }
    sd_bus_error* get() { return &m_error; }
    bool is(char const* name) const { return sd_bus_error_has_name(&m_error, name) != 0; }
    Error to_error(int code, std::string_view doing) const
    {
        auto error = Error::from_errno(static_cast<Errno>(-code), doing);
        if (m_error.message)
            error.message = std::string(doing) + ": " + m_error.message;
        if (is("org.freedesktop.DBus.Error.ServiceUnknown"))
            error.hint = "systemd is not on this bus: it does not run here as the init process (or as a user's manager)";
        if (is("org.freedesktop.DBus.Error.AccessDenied") || is("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"))
            error.hint = "run as root, or use the user's own manager (rootless)";
        if (is("org.freedesktop.systemd1.UnitExists"))
            error.hint = "another container uses this unit: choose another id, or stop the unit with systemctl";
        return error;
    }

private:
    sd_bus_error m_error = SD_BUS_ERROR_NULL;
};

std::uint64_t now()
{
    std::timespec time {};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1000000 + static_cast<std::uint64_t>(time.tv_nsec) / 1000;
}

// JobRemoved(u id, o job, s unit, s result)
int job_removed(sd_bus_message* message, void* ended, sd_bus_error*)
{
    std::uint32_t id = 0;
    char const* job = nullptr;
    char const* unit = nullptr;
    char const* result = nullptr;
    if (sd_bus_message_read(message, "uoss", &id, &job, &unit, &result) >= 0)
        (*static_cast<std::map<std::string, std::string>*>(ended))[job] = result;
    return 0;
}

int open_user_bus(sd_bus** bus)
{
    if (!std::getenv("DBUS_SESSION_BUS_ADDRESS") && !std::getenv("XDG_RUNTIME_DIR"))
        ::setenv("XDG_RUNTIME_DIR", ("/run/user/" + std::to_string(::getuid())).c_str(), 1);
    return sd_bus_open_user(bus);
}

// Early in boot, or without a D-Bus daemon, systemd still listens on a socket of its own, for root.
int open_private_socket(sd_bus** bus)
{
    int code = sd_bus_new(bus);
    if (code >= 0)
        code = sd_bus_set_address(*bus, "unix:path=/run/systemd/private");
    return code < 0 ? code : sd_bus_start(*bus);
}

} // namespace

Result<Manager> Manager::connect(Whose whose)
{
    sd_bus* bus = nullptr;
    int code = whose == Whose::user ? open_user_bus(&bus) : sd_bus_open_system(&bus);
    if (code < 0 && whose == Whose::system && ::getuid() == 0 && !std::getenv("DBUS_SYSTEM_BUS_ADDRESS")) {
        sd_bus_unref(bus);
        bus = nullptr;
        if (open_private_socket(&bus) >= 0)
            code = 0;
    }
    Manager manager;
    manager.m_bus.reset(bus);
    if (code < 0) {
        auto error
            = Error::from_errno(static_cast<Errno>(-code), whose == Whose::user ? "connect to the user's D-Bus" : "connect to the system's D-Bus");
        bool is_booted = ::access("/run/systemd/system", F_OK) == 0;
        error.hint = !is_booted    ? "systemd does not run on this host: leave --systemd-cgroup out"
            : whose == Whose::user ? "log in so that systemd --user runs (loginctl enable-linger), and set XDG_RUNTIME_DIR"
                                   : "start dbus.socket";
        return error;
    }
    return manager;
}

Result<Message> Manager::new_call(char const* method)
{
    sd_bus_message* message = nullptr;
    int code = sd_bus_message_new_method_call(m_bus.get(), &message, service, object, interface, method);
    if (code < 0)
        return Error::from_errno(static_cast<Errno>(-code), "build a D-Bus message");
    return Message(message);
}

Result<unsigned> Manager::version()
{
    CallError error;
    char* text = nullptr;
    int code = sd_bus_get_property_string(m_bus.get(), service, object, interface, "Version", error.get(), &text);
    if (code < 0)
        return error.to_error(code, "ask systemd for its version");
    std::string version(text); // "252.39-1~deb12u2", "v245.4-1.fc32"
    std::free(text);
    auto begin = version.find_first_of("0123456789");
    auto digits = begin == std::string::npos ? std::string() : version.substr(begin);
    digits = digits.substr(0, digits.find_first_not_of("0123456789"));
    return parse_number<unsigned>(digits).value_or(0);
}

Result<Unit> Manager::append_properties(sd_bus_message* message, std::vector<Property> const& properties)
{
    auto newest = [](Property const& a, Property const& b) { return a.since < b.since; };
    auto most_demanding = std::max_element(properties.begin(), properties.end(), newest);
    unsigned have = 0;
    if (most_demanding != properties.end() && most_demanding->since > 0)
        have = TRY(version());
    int code = sd_bus_message_open_container(message, 'a', "(sv)");
    for (auto const& property : properties)
        if (property.since <= have || property.since == 0)
            TRY(append_property(message, property));
    if (code >= 0)
        code = sd_bus_message_close_container(message);
    if (code < 0)
        return Error::from_errno(static_cast<Errno>(-code), "build a D-Bus message");
    return ok();
}

Result<Unit> Manager::watch_jobs()
{
    int code = sd_bus_match_signal(m_bus.get(), nullptr, service, object, interface, "JobRemoved", job_removed, m_ended.get());
    CallError error;
    if (code >= 0)
        code = sd_bus_call_method(m_bus.get(), service, object, interface, "Subscribe", error.get(), nullptr, nullptr);
    if (code < 0)
        return error.to_error(code, "subscribe to systemd's jobs");
    return ok();
}

Result<Unit> Manager::wait_for_job(std::string const& job)
{
    auto deadline = now() + patience;
    for (;;) {
        if (auto found = m_ended->find(job); found != m_ended->end()) {
            if (found->second == "done")
                return ok();
            return Error { .code = Errno::io,
                .message = "systemd's job ended as " + quoted(found->second),
                .hint = "see journalctl -b and systemctl status of the unit" };
        }
        int code = sd_bus_process(m_bus.get(), nullptr);
        auto time = now();
        if (code == 0 && time >= deadline)
            return Error { .code = Errno::timedout, .message = "systemd did not finish within 30 seconds", .hint = "see systemctl list-jobs" };
        if (code == 0)
            code = sd_bus_wait(m_bus.get(), deadline - time);
        if (code < 0 && code != -EINTR)
            return Error::from_errno(static_cast<Errno>(-code), "wait for systemd");
    }
}

void Manager::reset_failed(std::string const& unit)
{
    // A unit that has not failed says no; either way there is nothing more to do.
    (void)sd_bus_call_method(m_bus.get(), service, object, interface, "ResetFailedUnit", nullptr, nullptr, "s", unit.c_str());
}

Result<Unit> Manager::start_once(std::string const& unit, std::vector<Property> const& properties)
{
    auto call = TRY(new_call("StartTransientUnit"));
    sd_bus_message_append(call.get(), "ss", unit.c_str(), "replace");
    TRY(append_properties(call.get(), properties));
    sd_bus_message_append(call.get(), "a(sa(sv))", 0);
    CallError error;
    sd_bus_message* raw = nullptr;
    int code = sd_bus_call(m_bus.get(), call.get(), patience, error.get(), &raw);
    Message reply(raw);
    if (code < 0) {
        auto refused = error.to_error(code, "start the unit");
        if (error.is("org.freedesktop.systemd1.UnitExists"))
            refused.code = Errno::exist;
        return refused;
    }
    char const* job = nullptr;
    code = sd_bus_message_read(reply.get(), "o", &job);
    if (code < 0)
        return Error::from_errno(static_cast<Errno>(-code), "read systemd's reply");
    return wait_for_job(job);
}

Result<std::string> Manager::start(std::string const& unit, std::vector<Property> const& properties)
{
    TRY(watch_jobs());
    auto started = start_once(unit, properties);
    if (started.is_error() && started.error().code == Errno::exist) {
        reset_failed(unit); // what a failed container of this name left
        started = start_once(unit, properties);
    }
    if (started.is_error()) {
        if (started.error().code != Errno::exist)
            reset_failed(unit);
        return started.release_error();
    }
    char* path = nullptr;
    char* group = nullptr;
    CallError error;
    int code = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path);
    if (code >= 0)
        code = sd_bus_get_property_string(m_bus.get(), service, path,
            unit.ends_with(".slice") ? "org.freedesktop.systemd1.Slice" : "org.freedesktop.systemd1.Scope", "ControlGroup", error.get(), &group);
    std::free(path);
    if (code < 0)
        return error.to_error(code, "ask systemd for the unit's control group");
    std::string result(group);
    std::free(group);
    return result;
}

Result<Unit> Manager::set(std::string const& unit, std::vector<Property> const& properties)
{
    auto call = TRY(new_call("SetUnitProperties"));
    sd_bus_message_append(call.get(), "sb", unit.c_str(), 1); // until the next boot only
    TRY(append_properties(call.get(), properties));
    CallError error;
    int code = sd_bus_call(m_bus.get(), call.get(), patience, error.get(), nullptr);
    if (code < 0)
        return error.to_error(code, "set properties of the unit");
    return ok();
}

Result<Unit> Manager::stop(std::string const& unit)
{
    TRY(watch_jobs());
    CallError error;
    sd_bus_message* raw = nullptr;
    int code = sd_bus_call_method(m_bus.get(), service, object, interface, "StopUnit", error.get(), &raw, "ss", unit.c_str(), "replace");
    Message reply(raw);
    if (code < 0 && error.is("org.freedesktop.systemd1.NoSuchUnit"))
        return ok(); // a scope vanishes with its last process
    if (code < 0)
        return error.to_error(code, "stop the unit");
    char const* job = nullptr;
    code = sd_bus_message_read(reply.get(), "o", &job);
    if (code < 0)
        return Error::from_errno(static_cast<Errno>(-code), "read systemd's reply");
    auto stopped = wait_for_job(job);
    reset_failed(unit);
    return stopped;
}

} // namespace bulkhead::systemd_unit
