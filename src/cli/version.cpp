#include "cli/version.h"

#ifndef BULKHEAD_VERSION
#define BULKHEAD_VERSION "unknown"
#endif
#ifndef BULKHEAD_COMMIT
#define BULKHEAD_COMMIT "unknown"
#endif

namespace bulkhead::cli {

std::string version_number()
{
    return BULKHEAD_VERSION;
}

std::string version_text()
{
    return "bulkhead version " BULKHEAD_VERSION "\ncommit: " BULKHEAD_COMMIT "\nspec: 1.3.0\n";
}

} // namespace bulkhead::cli
