#include "container/bundle.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include <array>
#include <climits>

#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::container {

namespace {

constexpr std::size_t max_config_size = 16UL * 1024 * 1024;

// Without "." parts and doubled slashes; ".." stays, since it means something else after a symbolic link.
std::string tidy(std::string const& path)
{
    std::string result;
    for (auto part : split(path, '/')) {
        if (!part.empty() && part != ".")
            result += "/" + std::string(part);
    }
    return result.empty() ? "/" : result;
}

} // namespace

Result<std::string> absolute_path(std::string const& path)
{
    if (!path.empty() && path.front() == '/')
        return tidy(path);
    std::array<char, PATH_MAX> here {};
    if (!::getcwd(here.data(), here.size()))
        return Error::last("find the working directory");
    return tidy(std::string(here.data()) + "/" + path);
}

Result<Bundle> read_bundle(std::string const& path)
{
    Bundle bundle;
    bundle.path = TRY(absolute_path(path));
    auto config_path = bundle.path + "/config.json";
    auto text = read_file(config_path, max_config_size);
    if (text.is_error()) {
        auto error = text.release_error();
        if (error.code == Errno::noent)
            error.hint = "name the bundle with --bundle, or make a config.json with: bulkhead spec";
        return error;
    }
    bundle.config_text = text.release_value();
    bundle.config = TRY(oci::parse_config(bundle.config_text).context([&] { return "read " + quoted(config_path); }));
    TRY(oci::validate_config(bundle.config).context([&] { return "check " + quoted(config_path); }));
    for (auto const& member : bundle.config.unknown_members)
        log::debug("unknown member of config.json is ignored", { { "member", member } });
    auto const& root = bundle.config.root.path;
    bundle.root = tidy(root.starts_with('/') ? root : bundle.path + "/" + root);
    struct stat status { };
    if (::stat(bundle.root.c_str(), &status) < 0)
        return Error::last("find the root file system " + quoted(bundle.root) + " (root.path in config.json)");
    if (!S_ISDIR(status.st_mode))
        return invalid("the root file system " + quoted(bundle.root) + " (root.path in config.json) is not a folder");
    return bundle;
}

} // namespace bulkhead::container
