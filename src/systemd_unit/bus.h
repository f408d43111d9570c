// sd-bus calls to systemd's manager object, with errors in words. sd-bus(3), org.freedesktop.systemd1(5).
#pragma once

#include "base/result.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <systemd/sd-bus.h>

namespace bulkhead::systemd_unit {

struct BusCloser {
    void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
};
struct MessageReleaser {
    void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, MessageReleaser>;

// One property of a unit: "NAME[@VERSION]:SIGNATURE=VALUE".
struct Property {
    std::string name;
    unsigned since = 0; // systemd version
    std::string signature;
    std::string value;
};
Result<Property> parse_property(std::string_view argument);
// Appends (sv) with the value as its signature says.
Result<Unit> append_property(sd_bus_message*, Property const&);

class Manager {
public:
    enum class Whose { system, user };
    static Result<Manager> connect(Whose);

    Result<unsigned> version();
    // Starts a transient unit and waits until it runs; gives its control group.
    Result<std::string> start(std::string const& unit, std::vector<Property> const&);
    Result<Unit> set(std::string const& unit, std::vector<Property> const&);
    // Stops it and forgets a failure. A unit that does not exist is stopped.
    Result<Unit> stop(std::string const& unit);

private:
    Result<Message> new_call(char const* method);
    Result<Unit> append_properties(sd_bus_message*, std::vector<Property> const&);
    Result<Unit> start_once(std::string const& unit, std::vector<Property> const&);
    Result<Unit> watch_jobs();
    Result<Unit> wait_for_job(std::string const& job);
    void reset_failed(std::string const& unit);

    std::unique_ptr<sd_bus, BusCloser> m_bus;
    // Jobs that ended, by object path: "done", "failed". On the heap, since the bus keeps a pointer to it.
    std::unique_ptr<std::map<std::string, std::string>> m_ended = std::make_unique<std::map<std::string, std::string>>();
};

} // namespace bulkhead::systemd_unit
