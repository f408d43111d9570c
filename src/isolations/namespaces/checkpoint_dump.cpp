#include "isolations/namespaces/checkpoint.h"

#include "base/json.h"
#include "base/text.h"
#include "host/path_walk.h"
#include "isolations/namespaces/checkpoint_criu.h"
#include "isolations/namespaces/checkpoint_mounts.h"
#include "isolations/namespaces/checkpoint_options.h"

#include <array>

#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::namespaces {

namespace {

constexpr char const* dump_log = "dump.log";
constexpr std::size_t max_mountinfo = 4UL * 1024 * 1024;

std::string proc_path(pid_t pid, std::string_view name)
{
    return "/proc/" + std::to_string(pid) + "/" + std::string(name);
}

std::string link_text(std::string const& path)
{
    std::array<char, 4096> text {};
    auto length = ::readlink(path.c_str(), text.data(), text.size());
    return length < 0 ? std::string() : std::string(text.data(), static_cast<std::size_t>(length));
}

std::string resolve_inside(std::string const& destination, void* root)
{
    auto found = host::find_in_root(*static_cast<File*>(root), destination);
    if (found.is_error())
        return host::clean_path(destination);
    return link_text(found.value().proc_path());
}

Result<std::vector<ExternalMount>> mounts_from_outside(DumpPlan const& plan)
{
    auto text = TRY(read_file(proc_path(plan.pid, "mountinfo"), max_mountinfo));
    auto root = TRY(open_file(proc_path(plan.pid, "root"), O_PATH | O_DIRECTORY));
    return external_mounts(plan.config, parse_mountinfo(text), { .call = resolve_inside, .context = &root });
}

// Restored processes get the caller's pipes in place of these.
std::string descriptors_json(pid_t pid)
{
    JsonWriter json;
    json.begin_array();
    for (auto const* name : { "fd/0", "fd/1", "fd/2" })
        json.value(link_text(proc_path(pid, name)));
    return json.end_array().text();
}

std::string mounts_json(std::vector<ExternalMount> const& mounts)
{
    JsonWriter json;
    json.begin_array();
    for (auto const& mount : mounts)
        json.value(mount.name);
    return json.end_array().text();
}

Result<Unit> refuse_what_cannot_come_back(oci::Config const& config)
{
    for (std::size_t index = 0; index < config.mounts.size(); ++index) {
        if (!config.mounts[index].uid_mappings.empty())
            return Error { .code = Errno::notsup,
                .message = "mounts[" + std::to_string(index) + "] (" + quoted(config.mounts[index].destination)
                    + ") is id-mapped, and criu would restore it without the mapping",
                .hint = "run the container without id-mapped mounts to checkpoint it" };
    }
    return ok();
}

// net[INODE]:KEY for network and pid namespaces that the container joined by path: they stay.
Result<Unit> add_joined_namespaces(WireWriter& writer, oci::Config const& config)
{
    for (auto type : { oci::NamespaceType::network, oci::NamespaceType::pid }) {
        auto const* entry = config.find_namespace(type);
        if (!entry || entry->path.empty())
            continue;
        struct stat status { };
        if (::stat(entry->path.c_str(), &status) < 0)
            return Error::last("find the namespace " + quoted(entry->path));
        auto word = type == oci::NamespaceType::pid ? "pid[" : "net[";
        writer.text(criu_option::external, word + std::to_string(status.st_ino) + "]:" + joined_namespace_key(type));
    }
    return ok();
}

// "ADDRESS:PORT"; an IPv6 address stands in brackets.
Result<WireWriter> page_server(std::string const& text)
{
    auto colon = text.rfind(':');
    auto port = colon == std::string::npos ? std::nullopt : parse_number<std::uint16_t>(std::string_view(text).substr(colon + 1));
    if (!port || *port == 0 || colon == 0)
        return invalid("--page-server: " + quoted(text) + " is not ADDRESS:PORT");
    auto address = text.substr(0, colon);
    if (address.starts_with('[') && address.ends_with(']'))
        address = address.substr(1, address.size() - 2);
    WireWriter server;
    server.text(1, address).number(2, *port);
    return server;
}

Result<Unit> add_memory_options(WireWriter& writer, isolation::CheckpointOptions const& options)
{
    if (!options.page_server.empty()) {
        auto server = TRY(page_server(options.page_server));
        writer.message(criu_option::page_server, server);
    }
    if (!options.parent_path.empty())
        writer.text(criu_option::parent_img, options.parent_path).flag(criu_option::track_mem, true);
    return ok();
}

// The freezer is surer than stopping one process after the other.
void add_freezer(WireWriter& writer, std::map<std::string, std::string> const& paths)
{
    for (auto const* controller : { "freezer", "" }) {
        if (auto found = paths.find(controller); found != paths.end()) {
            writer.text(criu_option::freeze_cgroup, found->second);
            return;
        }
    }
}

Result<Unit> check_features(DumpPlan const& plan)
{
    if (!plan.options.pre_dump && !plan.options.lazy_pages)
        return ok();
    CriuCall call { .program = plan.criu, .request = CriuRequest::feature_check };
    auto features = TRY(call_criu(call));
    if (plan.options.pre_dump && !features.tracks_memory)
        return Error { .code = Errno::notsup,
            .message = "--pre-dump: this kernel does not track which memory was written (CONFIG_MEM_SOFT_DIRTY)",
            .hint = "checkpoint without --pre-dump" };
    if (plan.options.lazy_pages && !features.has_lazy_pages)
        return Error {
            .code = Errno::notsup, .message = "--lazy-pages: criu cannot use userfaultfd on this kernel", .hint = "checkpoint without --lazy-pages"
        };
    return ok();
}

Result<WireWriter> dump_options(DumpPlan const& plan, std::vector<ExternalMount> const& mounts)
{
    auto writer = TRY(common_options(plan.options, plan.config, dump_log));
    writer.number(criu_option::pid, static_cast<std::uint64_t>(plan.pid)).flag(criu_option::leave_running, plan.options.leave_running);
    TRY(add_joined_namespaces(writer, plan.config));
    TRY(add_memory_options(writer, plan.options));
    add_freezer(writer, plan.cgroup_paths);
    for (auto const& mount : mounts)
        writer.message(criu_option::ext_mnt, pair_of_texts(mount.place, mount.name));
    return writer;
}

} // namespace

Result<Unit> dump_container(DumpPlan const& plan)
{
    TRY(refuse_what_cannot_come_back(plan.config));
    if (plan.options.status_fd >= 0 && ::fcntl(plan.options.status_fd, F_GETFD) < 0)
        return Error::last("--status-fd " + std::to_string(plan.options.status_fd));
    TRY(check_features(plan));
    TRY(make_folders(plan.options, Images::make));
    auto images = TRY(open_file(plan.options.image_path, O_RDONLY | O_DIRECTORY));
    std::vector<ExternalMount> mounts;
    if (!plan.options.pre_dump) {
        mounts = TRY(mounts_from_outside(plan).context("read the container's mounts"));
        TRY(replace_file_at(images, descriptors_file, descriptors_json(plan.pid), 0600).or_error("write descriptors.json beside the images"));
        TRY(replace_file_at(images, mounts_file, mounts_json(mounts), 0600).or_error("write external-mounts.json beside the images"));
    }
    CriuCall call { .program = plan.criu, .request = plan.options.pre_dump ? CriuRequest::pre_dump : CriuRequest::dump };
    call.log_path = work_folder(plan.options) + "/" + dump_log;
    call.prepare_child = [&] { return open_folders(plan.options); };
    call.options = [&](pid_t) { return dump_options(plan, mounts); };
    call.on_notification = [&](CriuNotification& notification) -> Result<Unit> {
        if (notification.script == "status-ready" && plan.options.status_fd >= 0) // lazy pages can be asked for now
            return write_all(FileView(plan.options.status_fd), std::string_view("\0", 1)).or_error("write to --status-fd");
        return ok();
    };
    TRY(call_criu(call));
    return ok();
}

} // namespace bulkhead::namespaces
