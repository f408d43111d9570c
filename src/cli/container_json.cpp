#include "cli/container_json.h"
#include "base/file.h"
#include "base/text.h"

namespace bulkhead::cli {

void write_container(JsonWriter& json, container::Record const& record, oci::Status status, pid_t pid)
{
    json.begin_object();
    json.member("ociVersion", record.oci_version);
    json.member("id", record.id);
    json.member("pid", static_cast<std::int64_t>(pid));
    json.member("status", oci::status_name(status));
    json.member("bundle", record.bundle);
    json.member("rootfs", record.rootfs);
    json.member("created", record.created);
    if (!record.annotations.empty())
        json.member("annotations", record.annotations);
    json.member("owner", user_name(record.owner));
    json.member("isolation", record.isolation);
    json.end_object();
}

// Not getpwuid(3): it loads shared objects, which a static program must not.
std::string user_name(std::uint32_t uid)
{
    auto number = std::to_string(uid);
    auto text = read_file_at(FileView::current_directory(), "/etc/passwd", 1UL << 20);
    if (text.is_error())
        return number;
    for (auto entry : split(text.value(), '\n')) {
        auto fields = split(entry, ':');
        if (fields.size() >= 3 && fields[2] == number)
            return std::string(fields[0]);
    }
    return number;
}

} // namespace bulkhead::cli
