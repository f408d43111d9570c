// While one lives, files get exactly the mode that is asked for.
#pragma once

#include <sys/stat.h>

namespace bulkhead::root {

class OpenUmask {
public:
    OpenUmask()
        : m_before(::umask(0))
    {
    }
    OpenUmask(OpenUmask const&) = delete;
    OpenUmask& operator=(OpenUmask const&) = delete;
    ~OpenUmask() { ::umask(m_before); }

private:
    mode_t m_before;
};

} // namespace bulkhead::root
