// Rules for resources: what update checks as well as create. What a controller takes beyond them, the kernel says.
#include "oci/rules.h"

namespace bulkhead::oci {

namespace {

Result<Unit> validate_memory(MemoryResources const& memory, std::string_view place)
{
    struct Limit {
        char const* name;
        std::optional<std::int64_t> value;
    };
    for (auto const& [name, value] : { Limit { "limit", memory.limit }, Limit { "reservation", memory.reservation }, Limit { "swap", memory.swap },
             Limit { "kernel", memory.kernel }, Limit { "kernelTCP", memory.kernel_tcp } }) {
        if (value && *value < -1)
            return complaint(member_place(place, name), std::to_string(*value) + " is not a number of bytes, nor -1 for no limit");
    }
    if (memory.swappiness && *memory.swappiness > 100)
        return complaint(member_place(place, "swappiness"), std::to_string(*memory.swappiness) + " is not between 0 and 100");
    return ok();
}

Result<Unit> validate_block_io(BlockIoResources const& io, std::string_view place)
{
    for (std::size_t index = 0; index < io.weight_device.size(); ++index) {
        if (!io.weight_device[index].weight && !io.weight_device[index].leaf_weight)
            return complaint(element_place(member_place(place, "weightDevice"), index), "has neither weight nor leafWeight");
    }
    return ok();
}

// "64KB", "2MB", "1GB"
bool is_page_size(std::string_view text)
{
    if (text.size() < 3 || !text.ends_with("B") || std::string_view("KMG").find(text[text.size() - 2]) == std::string_view::npos)
        return false;
    auto number = parse_number<std::uint64_t>(text.substr(0, text.size() - 2));
    return number && *number > 0;
}

Result<Unit> validate_hugepages(std::vector<HugepageLimit> const& limits, std::string_view place)
{
    for (std::size_t index = 0; index < limits.size(); ++index) {
        if (!is_page_size(limits[index].page_size))
            return complaint(element_place(member_place(place, "hugepageLimits"), index) + ".pageSize",
                shown(limits[index].page_size) + " is not a page size", "write a size such as \"2MB\"");
    }
    return ok();
}

Result<Unit> validate_unified(std::map<std::string, std::string> const& files, std::string_view place)
{
    for (auto const& [name, value] : files) {
        // A file of the container's own group and of nothing else.
        if (name.find('/') != std::string::npos || name.find('.') == std::string::npos || name.front() == '.' || has_control_character(name))
            return complaint(member_place(place, "unified") + "[" + shown(name) + "]", "is not the name of a control group's file",
                "write a name such as \"memory.high\"");
    }
    return ok();
}

// Names come to files as "NAME LIMIT" lines: a blank or a line end would say something else.
bool is_single_word(std::string_view name)
{
    return !name.empty() && name.find(' ') == std::string_view::npos && !has_control_character(name);
}

Result<Unit> validate_names(Resources const& resources, std::string_view place)
{
    for (auto const& [device, limit] : resources.rdma) {
        if (!is_single_word(device))
            return complaint(member_place(place, "rdma") + "[" + shown(device) + "]", "is not the name of a device");
    }
    if (!resources.network)
        return ok();
    auto const& priorities = resources.network->priorities;
    for (std::size_t index = 0; index < priorities.size(); ++index) {
        if (!is_single_word(priorities[index].name))
            return complaint(element_place(member_place(place, "network.priorities"), index) + ".name",
                shown(priorities[index].name) + " is not the name of an interface");
    }
    return ok();
}

} // namespace

Result<Unit> validate_resources(Resources const& resources, std::string_view place)
{
    if (resources.memory)
        TRY(validate_memory(*resources.memory, member_place(place, "memory")));
    if (resources.cpu && resources.cpu->idle && *resources.cpu->idle != 0 && *resources.cpu->idle != 1)
        return complaint(member_place(place, "cpu.idle"), std::to_string(*resources.cpu->idle) + " is neither 0 nor 1");
    if (resources.cpu && has_control_character(resources.cpu->cpus))
        return complaint(member_place(place, "cpu.cpus"), shown(resources.cpu->cpus) + " is not a list of CPUs");
    if (resources.cpu && has_control_character(resources.cpu->mems))
        return complaint(member_place(place, "cpu.mems"), shown(resources.cpu->mems) + " is not a list of memory nodes");
    if (resources.block_io)
        TRY(validate_block_io(*resources.block_io, member_place(place, "blockIO")));
    TRY(validate_hugepages(resources.hugepage_limits, place));
    TRY(validate_names(resources, place));
    return validate_unified(resources.unified, place);
}

} // namespace bulkhead::oci
