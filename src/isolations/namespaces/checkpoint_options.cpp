#include "isolations/namespaces/checkpoint_options.h"

#include "base/text.h"

#include <array>

#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::namespaces {

namespace {

constexpr std::uint64_t log_everything = 4;
constexpr char const* config_annotation = "org.criu.config";

struct Mode {
    std::string_view word;
    std::uint64_t number; // criu_cg_mode
};
constexpr std::array modes = { Mode { "", 6 }, Mode { "soft", 3 }, Mode { "full", 4 }, Mode { "strict", 5 }, Mode { "ignore", 0 } };

Result<Unit> make_folder(std::string const& path)
{
    if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST)
        return Error::last("make the folder " + quoted(path));
    return ok();
}

Result<std::uint64_t> cgroup_mode(std::string const& word)
{
    for (auto const& mode : modes) {
        if (mode.word == word)
            return mode.number;
    }
    return invalid("--manage-cgroups-mode: unknown mode " + quoted(word), "one of soft, full, strict, ignore");
}

// A container may bring its own file of criu's settings, or none; else the administrator's counts.
std::string config_file(oci::Config const& config)
{
    auto annotation = config.annotations.find(config_annotation);
    if (annotation != config.annotations.end())
        return annotation->second;
    for (auto const* path : { "/etc/criu/bulkhead.conf", "/etc/criu/runc.conf" }) {
        if (::access(path, R_OK) == 0)
            return path;
    }
    return {};
}

} // namespace

std::string work_folder(isolation::CheckpointOptions const& options)
{
    return options.work_path.empty() ? options.image_path : options.work_path;
}

Result<Unit> make_folders(isolation::CheckpointOptions const& options, Images images)
{
    if (options.image_path.empty())
        return invalid("no folder for the images of the checkpoint", "give one with --image-path");
    if (images == Images::make)
        TRY(make_folder(options.image_path));
    else if (::access(options.image_path.c_str(), X_OK) < 0)
        return Error::last("open the folder of the checkpoint's images " + quoted(options.image_path));
    return make_folder(work_folder(options));
}

Result<std::vector<File>> open_folders(isolation::CheckpointOptions const& options)
{
    std::vector<File> folders;
    for (auto const& path : { options.image_path, work_folder(options) }) {
        auto folder = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
        folders.push_back(std::move(folder));
    }
    return folders;
}

Result<WireWriter> common_options(isolation::CheckpointOptions const& options, oci::Config const& config, std::string const& log)
{
    auto mode = TRY(cgroup_mode(options.manage_cgroups_mode));
    std::uint64_t empty = 0;
    for (auto const& name : options.empty_ns) {
        if (name != "network")
            return invalid("--empty-ns: " + quoted(name) + " is not supported", "only network can be left empty");
        empty = CLONE_NEWNET;
    }
    WireWriter writer;
    writer.number(criu_option::images_dir_fd, criu_images)
        .number(criu_option::work_dir_fd, criu_work)
        .text(criu_option::log_file, log)
        .number(criu_option::log_level, log_everything)
        .flag(criu_option::notify_scripts, true)
        .flag(criu_option::manage_cgroups, true)
        .number(criu_option::manage_cgroups_mode, mode)
        .flag(criu_option::orphan_pts_master, true)
        .flag(criu_option::ext_unix_sk, options.ext_unix_sk)
        .flag(criu_option::tcp_established, options.tcp_established)
        .flag(criu_option::tcp_skip_in_flight, options.tcp_skip_in_flight)
        .flag(criu_option::shell_job, options.shell_job)
        .flag(criu_option::file_locks, options.file_locks)
        .flag(criu_option::link_remap, options.link_remap)
        .flag(criu_option::auto_dedup, options.auto_dedup)
        .flag(criu_option::lazy_pages, options.lazy_pages);
    if (empty != 0)
        writer.number(criu_option::empty_ns, empty);
    if (auto file = config_file(config); !file.empty())
        writer.text(criu_option::config_file, file);
    return writer;
}

std::string joined_namespace_key(oci::NamespaceType type)
{
    return type == oci::NamespaceType::pid ? "extRootPidNS" : "extRootNetNS";
}

WireWriter pair_of_texts(std::string_view first, std::string_view second)
{
    WireWriter writer;
    writer.text(1, first).text(2, second);
    return writer;
}

} // namespace bulkhead::namespaces
