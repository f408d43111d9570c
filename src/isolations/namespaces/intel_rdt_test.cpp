#include "isolations/namespaces/intel_rdt.h"

#include "base/file.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::namespaces {
namespace {

// A folder with the files that the kernel would make.
struct FakeResctrl {
    FakeResctrl()
    {
        std::string pattern = "/tmp/bulkhead-rdt-XXXXXX";
        path = ::mkdtemp(pattern.data());
        add_class("shared");
    }
    ~FakeResctrl() { [[maybe_unused]] int status = std::system(("rm -rf '" + path + "'").c_str()); }
    void add_class(std::string const& name) const
    {
        ::mkdir((path + "/" + name).c_str(), 0755);
        std::ofstream(path + "/" + name + "/schemata");
        std::ofstream(path + "/" + name + "/tasks");
    }
    std::string path;
};

TEST(IntelRdt, without_resctrl_it_is_a_clear_error)
{
    FakeResctrl fake;
    auto checked = check_intel_rdt({}, fake.path);
    ASSERT_TRUE(checked.is_error());
    EXPECT_NE(checked.error().message.find("linux.intelRdt"), std::string::npos);
    EXPECT_FALSE(checked.error().hint.empty());
}

TEST(IntelRdt, a_shared_class_gets_schemata_and_the_process_and_is_not_removed)
{
    FakeResctrl fake;
    auto made = apply_intel_rdt({ .clos_id = "shared", .schemata = { "L3:0=f" } }, "web", 42, fake.path);
    ASSERT_TRUE(made.is_ok()) << made.error().message;
    EXPECT_EQ(read_file(fake.path + "/shared/schemata").value(), "L3:0=f\n");
    EXPECT_EQ(read_file(fake.path + "/shared/tasks").value(), "42");
    EXPECT_TRUE(made.value().group.empty());
}

TEST(IntelRdt, an_unknown_class_without_schemata_is_an_error_and_leaves_nothing)
{
    FakeResctrl fake;
    auto made = apply_intel_rdt({ .clos_id = "absent" }, "web", 42, fake.path);
    ASSERT_TRUE(made.is_error());
    EXPECT_NE(::access((fake.path + "/absent").c_str(), F_OK), 0);
}

} // namespace
} // namespace bulkhead::namespaces
