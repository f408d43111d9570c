#include "container/record.h"
#include "base/json.h"
#include "container/state_folder.h"

#include <cstdio>
#include <ctime>

namespace bulkhead::container {

std::string timestamp_now()
{
    std::timespec now {};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::tm parts {};
    ::gmtime_r(&now.tv_sec, &parts);
    char text[64];
    auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + length, sizeof text - length, ".%09ldZ", static_cast<long>(now.tv_nsec));
    return text;
}

std::string record_json(Record const& record)
{
    JsonWriter json;
    json.begin_object();
    json.member("version", Record::current_version);
    json.member("ociVersion", record.oci_version);
    json.member("id", record.id);
    json.member("bundle", record.bundle);
    json.member("rootfs", record.rootfs);
    json.member("configPath", record.config_path);
    json.member("created", record.created);
    json.member("owner", record.owner);
    json.member("isolation", record.isolation);
    json.member("annotations", record.annotations);
    json.member("poststartHooks", record.has_poststart_hooks);
    json.member("poststopHooks", record.has_poststop_hooks);
    if (record.init_pid > 0) {
        json.key("init").begin_object();
        json.member("pid", static_cast<std::int64_t>(record.init_pid));
        json.member("startTime", record.init_start_time);
        json.end_object();
    }
    if (!record.sandbox.empty())
        json.key("sandbox").raw(record.sandbox);
    json.end_object();
    return json.text();
}

Result<Record> parse_record(std::string_view text)
{
    auto document = TRY(JsonDocument::parse(text, "state.json"));
    auto json = TRY(document.object());
    std::int64_t version = 0;
    TRY(json.required("version", version));
    if (version < 1 || version > Record::current_version)
        return Error { .code = Errno::notsup,
            .message = "state.json has version " + std::to_string(version) + ", this program knows 1 to " + std::to_string(Record::current_version),
            .hint = "use the bulkhead that created the container" };
    Record record;
    TRY(json.required("ociVersion", record.oci_version));
    TRY(json.required("id", record.id));
    TRY(check_id(record.id));
    TRY(json.required("bundle", record.bundle));
    TRY(json.required("rootfs", record.rootfs));
    TRY(json.required("configPath", record.config_path));
    TRY(json.required("created", record.created));
    TRY(json.required("owner", record.owner));
    TRY(json.required("isolation", record.isolation));
    TRY(json.optional("annotations", record.annotations));
    TRY(json.optional("poststartHooks", record.has_poststart_hooks));
    TRY(json.optional("poststopHooks", record.has_poststop_hooks));
    if (auto value = json.find("init")) {
        auto init = TRY(value->as_object());
        std::int32_t pid = 0;
        TRY(init.required("pid", pid));
        TRY(init.required("startTime", record.init_start_time));
        // Never 0, negative or 1: those are not one process of ours, and this number is given to kill(2).
        if (pid <= 1)
            return invalid("init.pid: " + std::to_string(pid) + " cannot be a container's first process");
        record.init_pid = pid;
    }
    if (auto value = json.find("sandbox")) {
        TRY(value->as_object());
        record.sandbox = value->dump();
    }
    return record;
}

} // namespace bulkhead::container
