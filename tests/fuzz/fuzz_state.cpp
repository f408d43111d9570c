// uses: base container
// The reader of state.json: whatever bytes stand there, it answers with a record or an error; and what it accepts, it
// writes so that it reads the same again.
#include "container/record.h"

#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* bytes, std::size_t size)
{
    using namespace bulkhead::container;
    auto record = parse_record(std::string_view(reinterpret_cast<char const*>(bytes), size));
    if (record.is_error())
        return 0;
    auto text = record_json(record.value());
    auto again = parse_record(text);
    if (again.is_error() || record_json(again.value()) != text || again.value().init_pid < 0 || again.value().init_pid == 1)
        std::abort();
    return 0;
}
