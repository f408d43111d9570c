#include "isolations/namespaces/root/builder.h"

#include <algorithm>

#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::root {

namespace {

bool lies_below(std::string_view path, std::string_view directory)
{
    return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

} // namespace

SysResult<Unit> Builder::work_in(FileView directory)
{
    if (working_directory.is_open() && working_directory.fd() == directory.fd())
        return ok();
    working_directory = {};
    if (::fchdir(directory.fd()) < 0)
        return last_errno();
    // Only a base stays open as long as we run: other numbers may be used again.
    for (auto const& base : bases) {
        if (base.directory.fd() == directory.fd())
            working_directory = directory;
    }
    return ok();
}

std::optional<Builder::Below> Builder::below_a_base(std::string const& path)
{
    if (!plain_paths_are_safe)
        return std::nullopt;
    Base* best = nullptr;
    for (auto& base : bases) {
        if (lies_below(path, base.destination) && (!best || base.destination.size() > best->destination.size()))
            best = &base;
    }
    if (!best)
        return std::nullopt;
    for (auto const& other : destinations) {
        if (lies_below(other, best->destination) && lies_below(path, other))
            return std::nullopt;
    }
    auto rest = path.substr(best->destination.size() + 1);
    // The folders of processes are not the kernel's alone: they hold magic links.
    if (best->kind == Base::Kind::procfs && ((rest[0] >= '0' && rest[0] <= '9') || rest.starts_with("self") || rest.starts_with("thread-self")))
        return std::nullopt;
    return Below { .base = best, .rest = std::move(rest) };
}

Base* Builder::find_base(std::string_view destination)
{
    for (auto& base : bases) {
        if (base.destination == destination)
            return &base;
    }
    return nullptr;
}

void Builder::book(std::string const& destination)
{
    std::erase_if(bases, [&](Base const& base) {
        bool is_covered = base.destination == destination || lies_below(base.destination, destination);
        if (is_covered && working_directory.fd() == base.directory.fd())
            working_directory = {};
        return is_covered;
    });
    destinations.push_back(destination);
}

void Builder::book_base(Base::Kind kind, std::string const& destination, File directory)
{
    book(destination);
    bases.push_back({ .kind = kind, .destination = destination, .directory = std::move(directory) });
}

File Builder::take_prepared(PreparedTree::Kind kind, std::size_t index)
{
    for (auto& tree : prepared) {
        if (tree.kind == kind && tree.index == index)
            return std::move(tree.tree);
    }
    return File();
}

std::string mount_place(std::size_t index, oci::Mount const& mount)
{
    return "mounts[" + std::to_string(index) + "] (\"" + mount.destination + "\")";
}

bool is_directory(FileView file)
{
    struct stat status { };
    return ::fstat(file.fd(), &status) == 0 && S_ISDIR(status.st_mode);
}

} // namespace bulkhead::root
