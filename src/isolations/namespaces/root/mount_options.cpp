#include "isolations/namespaces/root/mount_options.h"

#include "base/text.h"
#include "isolations/namespaces/root/root_file_system.h"

#include <algorithm>

#include <sys/mount.h>

namespace bulkhead::root {

namespace {

enum class Kind { attribute, superblock, propagation, bind, mode, ignored };

struct Word {
    std::string_view name;
    Kind kind;
    std::uint64_t set = 0; // MOUNT_ATTR_*; MS_* for superblock and propagation words
    std::uint64_t clear = 0;
    bool whole_tree = false; // the r... forms
    char const* key = nullptr; // fsconfig(2)'s name of a superblock flag
    bool MountOptions::*member = nullptr;
};

constexpr Word attribute(std::string_view name, std::uint64_t set, std::uint64_t clear)
{
    return { .name = name, .kind = Kind::attribute, .set = set, .clear = clear };
}
constexpr Word tree_attribute(std::string_view name, std::uint64_t set, std::uint64_t clear)
{
    return { .name = name, .kind = Kind::attribute, .set = set, .clear = clear, .whole_tree = true };
}
constexpr Word superblock(std::string_view name, unsigned long flag, char const* key)
{
    return { .name = name, .kind = Kind::superblock, .set = flag, .key = key };
}
constexpr Word no_superblock(std::string_view name, unsigned long flag, char const* key)
{
    return { .name = name, .kind = Kind::superblock, .clear = flag, .key = key };
}
constexpr Word propagation(std::string_view name, std::uint64_t kind, bool whole_tree)
{
    return { .name = name, .kind = Kind::propagation, .set = kind, .whole_tree = whole_tree };
}
constexpr Word mode(std::string_view name, bool MountOptions::*member)
{
    return { .name = name, .kind = Kind::mode, .member = member };
}

constexpr std::uint64_t atime = MOUNT_ATTR__ATIME;
constexpr unsigned long ms_lazytime = 1UL << 25;

// Sorted by name: known_mount_options() hands it out as it is.
constexpr Word words[] = {
    superblock("acl", 1UL << 16, nullptr), // MS_POSIXACL
    superblock("async", 0, nullptr), // handled below: takes "sync" back
    attribute("atime", MOUNT_ATTR_RELATIME, atime),
    { .name = "bind", .kind = Kind::bind },
    mode("copy-symlink", &MountOptions::copies_symlink),
    { .name = "defaults", .kind = Kind::ignored },
    mode("dest-nofollow", &MountOptions::destination_not_followed),
    attribute("dev", 0, MOUNT_ATTR_NODEV),
    attribute("diratime", 0, MOUNT_ATTR_NODIRATIME),
    superblock("dirsync", MS_DIRSYNC, "dirsync"),
    attribute("exec", 0, MOUNT_ATTR_NOEXEC),
    mode("idmap", &MountOptions::is_idmapped),
    superblock("iversion", MS_I_VERSION, nullptr),
    superblock("lazytime", ms_lazytime, "lazytime"),
    no_superblock("loud", MS_SILENT, nullptr),
    superblock("mand", MS_MANDLOCK, "mand"),
    no_superblock("noacl", 1UL << 16, nullptr),
    attribute("noatime", MOUNT_ATTR_NOATIME, atime),
    attribute("nodev", MOUNT_ATTR_NODEV, 0),
    attribute("nodiratime", MOUNT_ATTR_NODIRATIME, 0),
    attribute("noexec", MOUNT_ATTR_NOEXEC, 0),
    no_superblock("noiversion", MS_I_VERSION, nullptr),
    no_superblock("nolazytime", ms_lazytime, "lazytime"),
    no_superblock("nomand", MS_MANDLOCK, "mand"),
    attribute("norelatime", MOUNT_ATTR_STRICTATIME, atime),
    attribute("nostrictatime", MOUNT_ATTR_RELATIME, atime),
    attribute("nosuid", MOUNT_ATTR_NOSUID, 0),
    attribute("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0),
    propagation("private", MS_PRIVATE, false),
    tree_attribute("ratime", MOUNT_ATTR_RELATIME, atime),
    { .name = "rbind", .kind = Kind::bind, .whole_tree = true },
    tree_attribute("rdev", 0, MOUNT_ATTR_NODEV),
    tree_attribute("rdiratime", 0, MOUNT_ATTR_NODIRATIME),
    attribute("relatime", MOUNT_ATTR_RELATIME, atime),
    mode("remount", &MountOptions::remounts),
    tree_attribute("rexec", 0, MOUNT_ATTR_NOEXEC),
    { .name = "ridmap", .kind = Kind::mode, .whole_tree = true, .member = &MountOptions::is_idmapped },
    tree_attribute("rnoatime", MOUNT_ATTR_NOATIME, atime),
    tree_attribute("rnodev", MOUNT_ATTR_NODEV, 0),
    tree_attribute("rnodiratime", MOUNT_ATTR_NODIRATIME, 0),
    tree_attribute("rnoexec", MOUNT_ATTR_NOEXEC, 0),
    tree_attribute("rnorelatime", MOUNT_ATTR_STRICTATIME, atime),
    tree_attribute("rnostrictatime", MOUNT_ATTR_RELATIME, atime),
    tree_attribute("rnosuid", MOUNT_ATTR_NOSUID, 0),
    tree_attribute("rnosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0),
    attribute("ro", MOUNT_ATTR_RDONLY, 0),
    propagation("rprivate", MS_PRIVATE, true),
    tree_attribute("rrelatime", MOUNT_ATTR_RELATIME, atime),
    tree_attribute("rro", MOUNT_ATTR_RDONLY, 0),
    tree_attribute("rrw", 0, MOUNT_ATTR_RDONLY),
    propagation("rshared", MS_SHARED, true),
    propagation("rslave", MS_SLAVE, true),
    tree_attribute("rstrictatime", MOUNT_ATTR_STRICTATIME, atime),
    tree_attribute("rsuid", 0, MOUNT_ATTR_NOSUID),
    tree_attribute("rsymfollow", 0, MOUNT_ATTR_NOSYMFOLLOW),
    propagation("runbindable", MS_UNBINDABLE, true),
    attribute("rw", 0, MOUNT_ATTR_RDONLY),
    propagation("shared", MS_SHARED, false),
    superblock("silent", MS_SILENT, nullptr),
    propagation("slave", MS_SLAVE, false),
    mode("src-nofollow", &MountOptions::source_not_followed),
    attribute("strictatime", MOUNT_ATTR_STRICTATIME, atime),
    attribute("suid", 0, MOUNT_ATTR_NOSUID),
    attribute("symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW),
    superblock("sync", MS_SYNCHRONOUS, "sync"),
    mode("tmpcopyup", &MountOptions::copies_up),
    propagation("unbindable", MS_UNBINDABLE, false),
};

constexpr bool words_are_sorted()
{
    for (std::size_t i = 1; i < std::size(words); ++i) {
        if (words[i - 1].name >= words[i].name)
            return false;
    }
    return true;
}
static_assert(words_are_sorted());

Word const* find_word(std::string_view name)
{
    auto const* found
        = std::lower_bound(std::begin(words), std::end(words), name, [](Word const& word, std::string_view wanted) { return word.name < wanted; });
    return found != std::end(words) && found->name == name ? found : nullptr;
}

void apply_attribute(Word const& word, std::uint64_t& set, std::uint64_t& clear)
{
    // Of the atime words one holds at a time; mount_setattr(2) wants the whole field cleared with each of them.
    set = (set & ~word.clear) | word.set;
    clear = (clear & ~(word.set & ~atime)) | word.clear;
}

void apply_superblock(Word const& word, MountOptions& options)
{
    auto drop = word.name == "async" ? static_cast<unsigned long>(MS_SYNCHRONOUS) : word.clear;
    std::string_view key = word.name == "async" ? "sync" : (word.key ? word.key : "");
    options.superblock_flags = (options.superblock_flags & ~drop) | word.set;
    if (key.empty())
        return;
    std::erase(options.superblock, key);
    if (word.set != 0)
        options.superblock.emplace_back(key);
}

void apply(Word const& word, MountOptions& options)
{
    switch (word.kind) {
    case Kind::attribute:
        if (word.whole_tree)
            apply_attribute(word, options.tree_set, options.tree_clear);
        else
            apply_attribute(word, options.set, options.clear);
        break;
    case Kind::superblock:
        apply_superblock(word, options);
        break;
    case Kind::propagation:
        options.propagation.push_back({ .kind = word.set, .whole_tree = word.whole_tree });
        break;
    case Kind::bind:
        options.is_bind = true;
        options.is_recursive_bind = word.whole_tree;
        break;
    case Kind::mode:
        options.*word.member = true;
        if (word.name == "ridmap")
            options.is_idmapped_whole_tree = true;
        break;
    case Kind::ignored:
        break;
    }
}

Result<Unit> check(oci::Mount const& mount, MountOptions const& options)
{
    if (options.is_bind && !options.data.empty())
        return invalid("a bind mount takes no option " + quoted(options.data.front()),
            "options of a file system belong to the mount of that file system; check the spelling");
    if (options.is_idmapped && !options.is_bind)
        return invalid("only bind mounts can be id-mapped", "add \"bind\" or \"rbind\" to the options");
    if (options.is_idmapped && mount.source.empty())
        return invalid("an id-mapped mount needs a source");
    if (mount.uid_mappings.empty() != mount.gid_mappings.empty())
        return invalid("uidMappings and gidMappings must be given together");
    if (options.copies_up && mount.type != "tmpfs")
        return invalid("\"tmpcopyup\" is for mounts of type tmpfs");
    if (options.copies_symlink && !options.is_bind)
        return invalid("\"copy-symlink\" is for bind mounts");
    return ok();
}

} // namespace

bool MountOptions::is_read_only() const
{
    return ((set | tree_set) & MOUNT_ATTR_RDONLY) != 0;
}

bool MountOptions::has_data(std::string_view name) const
{
    return std::any_of(data.begin(), data.end(),
        [&](std::string const& item) { return item.size() > name.size() && item.starts_with(name) && item[name.size()] == '='; });
}

std::string MountOptions::joined_data() const
{
    return join(data, ",");
}

Result<MountOptions> parse_mount_options(oci::Mount const& mount)
{
    MountOptions options;
    options.is_bind = mount.type == "bind" || mount.type == "rbind";
    options.is_recursive_bind = mount.type == "rbind";
    for (auto const& text : mount.options) {
        auto const* word = find_word(text);
        if (word) {
            apply(*word, options);
        } else if (text.starts_with("idmap=") || text.starts_with("ridmap=")) {
            options.is_idmapped = true;
            options.is_idmapped_whole_tree = text[0] == 'r';
            options.idmap_text = text.substr(text.find('=') + 1);
        } else if (!text.empty()) {
            options.data.push_back(text);
        }
    }
    if (!mount.uid_mappings.empty() || !mount.gid_mappings.empty())
        options.is_idmapped = true;
    TRY(check(mount, options));
    return options;
}

std::vector<std::string_view> known_mount_options()
{
    std::vector<std::string_view> names;
    for (auto const& word : words)
        names.push_back(word.name);
    return names;
}

} // namespace bulkhead::root
