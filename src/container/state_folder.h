// One container's folder under --root: <root>/<id>, with state.json and config.json. Its own inode is the lock, so that
// no lock file is left behind; a lock counts only while the path still names the locked inode.
#pragma once

#include "base/file.h"
#include "base/result.h"

#include <string>
#include <string_view>

namespace bulkhead::container {

// Letters, digits and "_+-.", at most 255 characters, no leading dot: it becomes a file name.
Result<Unit> check_id(std::string_view id);

class StateFolder {
public:
    static constexpr std::size_t max_record_size = 4UL * 1024 * 1024;

    // A new one, locked. EXISTING ids are Errno::exist with the words that engines look for.
    static Result<StateFolder> make(FileView root, std::string const& root_path, std::string const& id);
    // An existing one, not locked. Errno::noent "... does not exist".
    static Result<StateFolder> open(FileView root, std::string const& root_path, std::string const& id);

    StateFolder(StateFolder&&) noexcept = default;
    StateFolder& operator=(StateFolder&&) noexcept = default;
    ~StateFolder() { unlock(); }

    // Waits at most MILLISECONDS for others. Errno::busy when they keep it, Errno::noent when they removed the folder.
    Result<Unit> lock(int milliseconds);
    void unlock();
    bool is_locked_by_another() const;

    std::string const& id() const { return m_id; }
    std::string const& path() const { return m_path; }
    FileView directory() const { return m_directory; }

    SysResult<std::string> read(std::string const& name, std::size_t limit) const;
    // Readers see the old or the new text, never a part. Only under the lock.
    SysResult<Unit> replace(std::string const& name, std::string_view text) const;
    // Only while nobody can know of the folder's contents yet.
    SysResult<Unit> write_new(std::string const& name, std::string_view text) const;
    // The whole folder; state.json goes last, so that a half removed one can still be found. Only under the lock.
    Result<Unit> remove();

private:
    StateFolder(File root, File directory, std::string path, std::string id);
    bool is_still_named() const;

    File m_root;
    File m_directory;
    std::string m_path;
    std::string m_id;
    bool m_is_locked = false;
};

} // namespace bulkhead::container
