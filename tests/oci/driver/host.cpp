#include "driver/host.h"
#include "driver/program.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace conformance {

namespace {

std::vector<std::string> words_of(std::string const& text, char separator)
{
    std::vector<std::string> words;
    std::istringstream stream(text);
    for (std::string word; std::getline(stream, word, separator);) {
        if (!word.empty())
            words.push_back(word);
    }
    return words;
}

// The hierarchy's path of a process: the line of /proc/PID/cgroup that belongs to this controller.
std::string cgroup_path(int pid, std::string const& controller, bool unified)
{
    std::ifstream file("/proc/" + std::to_string(pid) + "/cgroup");
    for (std::string line; std::getline(file, line);) {
        auto first = line.find(':');
        auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos)
            continue;
        auto controllers = words_of(line.substr(first + 1, second - first - 1), ',');
        if (unified ? controllers.empty() : std::find(controllers.begin(), controllers.end(), controller) != controllers.end())
            return line.substr(second + 1);
    }
    return "";
}

} // namespace

std::vector<Hierarchy> cgroup_hierarchies()
{
    std::vector<Hierarchy> result;
    std::ifstream file("/proc/self/mountinfo");
    for (std::string line; std::getline(file, line);) {
        auto separator = line.find(" - ");
        auto fields = words_of(line, ' ');
        auto tail = separator == std::string::npos ? std::vector<std::string>() : words_of(line.substr(separator + 3), ' ');
        if (fields.size() < 5 || tail.size() < 3)
            continue;
        if (tail[0] == "cgroup") {
            auto options = words_of(tail[2], ',');
            std::erase_if(options, [](auto const& word) { return word == "rw" || word == "ro"; });
            result.push_back({ fields[4], false, options });
        } else if (tail[0] == "cgroup2") {
            result.push_back({ fields[4], true, words_of(trimmed(read_file(fields[4] + "/cgroup.controllers")), ' ') });
        }
    }
    return result;
}

Hierarchy const* find_hierarchy(std::vector<Hierarchy> const& all, std::string const& controller)
{
    for (auto const& one : all) {
        if (std::find(one.controllers.begin(), one.controllers.end(), controller) != one.controllers.end())
            return &one;
    }
    return nullptr;
}

std::string cgroup_folder(int pid, std::string const& controller)
{
    auto all = cgroup_hierarchies();
    auto const* found = find_hierarchy(all, controller);
    if (found == nullptr)
        return "";
    return found->mount_point + cgroup_path(pid, controller, found->unified);
}

std::vector<std::string> cgroups_named(std::string const& part)
{
    namespace fs = std::filesystem;
    std::vector<std::string> result;
    for (auto const& hierarchy : cgroup_hierarchies()) {
        std::error_code error;
        auto walk = fs::recursive_directory_iterator(hierarchy.mount_point, fs::directory_options::skip_permission_denied, error);
        for (auto end = fs::recursive_directory_iterator(); !error && walk != end; walk.increment(error)) {
            if (!walk->is_directory(error)) {
                continue;
            }
            if (walk->path().filename().string().find(part) != std::string::npos)
                result.push_back(walk->path().string());
        }
    }
    return result;
}

void remove_cgroups_named(std::string const& part)
{
    auto found = cgroups_named(part);
    // Children first.
    std::sort(found.begin(), found.end(), [](auto const& left, auto const& right) { return left.size() > right.size(); });
    for (auto const& folder : found) {
        if (access((folder + "/freezer.state").c_str(), W_OK) == 0)
            write_file(folder + "/freezer.state", "THAWED");
        for (auto const& pid : words_of(read_file(folder + "/cgroup.procs"), '\n')) {
            auto number = std::atoi(pid.c_str());
            if (number > 1)
                kill(number, SIGKILL);
        }
        wait_until([&] { return rmdir(folder.c_str()) == 0 || errno == ENOENT; }, std::chrono::milliseconds(500));
    }
}

bool has_capability(int number)
{
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("CapEff:"))
            return (std::strtoull(line.c_str() + 7, nullptr, 16) >> number & 1) != 0;
    }
    return false;
}

bool has_apparmor()
{
    return read_file("/sys/module/apparmor/parameters/enabled").starts_with("Y");
}

bool has_selinux()
{
    return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

bool has_mount(std::string const& type)
{
    return read_file("/proc/self/mountinfo").find(" - " + type + " ") != std::string::npos;
}

std::vector<int> children_of(int pid)
{
    std::vector<int> result;
    auto base = "/proc/" + std::to_string(pid) + "/task";
    DIR* folder = opendir(base.c_str());
    if (folder == nullptr)
        return result;
    while (auto* entry = readdir(folder)) {
        for (auto const& word : words_of(read_file(base + "/" + entry->d_name + "/children"), ' '))
            result.push_back(std::atoi(word.c_str()));
    }
    closedir(folder);
    return result;
}

// A zombie no longer counts.
bool process_exists(int pid)
{
    auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
    auto end = text.rfind(')');
    return end != std::string::npos && end + 2 < text.size() && text[end + 2] != 'Z' && text[end + 2] != 'X';
}

long inode_of(std::string const& path)
{
    struct stat facts { };
    return stat(path.c_str(), &facts) == 0 ? static_cast<long>(facts.st_ino) : -1;
}

std::map<std::string, long> namespaces_of(std::string const& process)
{
    std::map<std::string, long> result;
    for (auto const* type : { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" })
        result[type] = inode_of("/proc/" + process + "/ns/" + type);
    return result;
}

} // namespace conformance
