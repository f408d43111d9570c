// uses: oci base
// config.json: parsing and validation end in a value or in a complaint, and texts of valid ones survive being written.
#include "base/json.h"
#include "base/log.h"
#include "oci/config.h"
#include "oci/state.h"
#include "oci/words.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace bulkhead;

void require(bool holds, char const* what)
{
    if (holds)
        return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

void check_complaint(Error const& error)
{
    require(!error.message.empty(), "a complaint without words");
    require(error.message.size() < 4096, "a complaint as long as its input");
    for (unsigned char c : error.message)
        require(c >= 0x20, "a complaint with a control character");
}

// Annotations reach hooks and `state` as JSON.
void check_state(oci::Config const& config)
{
    oci::State state;
    state.id = "fuzz";
    state.bundle = config.root.path;
    state.annotations = config.annotations;
    auto document = JsonDocument::parse(oci::state_json(state, 2), "state");
    require(document.is_ok(), "a state that is not JSON");
    auto object = document.value().object();
    std::map<std::string, std::string> annotations;
    require(object.value().optional("annotations", annotations).is_ok() && annotations == config.annotations, "annotations changed");
    std::string bundle;
    require(object.value().required("bundle", bundle).is_ok() && bundle == config.root.path, "the bundle changed");
}

void check_valid(oci::Config const& config)
{
    require(!config.process->args.empty() && config.process->cwd.starts_with("/"), "a process that cannot be run");
    for (auto const& mount : config.mounts)
        require(mount.destination.starts_with("/"), "a relative mount destination");
    for (auto const& [name, value] : config.linux_section.sysctl) {
        auto path = oci::sysctl_path(name);
        require(path.has_value(), "a sysctl without a file");
        require(path->starts_with("net/") || path->starts_with("kernel/") || path->starts_with("fs/mqueue/"), "a sysctl of the host");
        require(("/" + *path + "/").find("/../") == std::string::npos, "a sysctl that leads upwards");
    }
    if (config.process->capabilities)
        (void)oci::unknown_capabilities(*config.process->capabilities);
}

} // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***)
{
    log::configure({ .lowest = log::Level::error }); // relative mount destinations are warned of
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size)
{
    auto config = oci::parse_config({ reinterpret_cast<char const*>(bytes), size });
    if (config.is_error()) {
        check_complaint(config.error());
        return 0;
    }
    require(config.value().unknown_members.size() <= 64, "too many unknown members");
    check_state(config.value());
    auto valid = oci::validate_config(config.value());
    if (valid.is_error())
        check_complaint(valid.error());
    else
        check_valid(config.value());
    return 0;
}
