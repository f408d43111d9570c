// All containers of one --root: create, find, list and remove them. The folder is the whole database.
#pragma once

#include "container/container.h"

#include <string>
#include <vector>

namespace bulkhead::container {

// What `list` shows of one container; broken ones have only an id and the reason.
struct ListedContainer {
    std::string id;
    std::optional<Record> record;
    oci::Status status = oci::Status::stopped;
    pid_t pid = 0;
    std::string trouble;
};

class Containers {
public:
    // The folder need not exist yet: then there are no containers.
    static Result<Containers> open(std::string root, FindIsolation);

    Result<Container> create(CreateRequest);
    // Errno::noent with "does not exist" when there is none.
    Result<Container> load(std::string const& id) const;
    Result<std::vector<ListedContainer>> list() const;
    // By force an unknown id is no error, and a folder without a readable state.json is removed, too.
    Result<Unit> remove(std::string const& id, Force) const;

private:
    Containers(std::string root, FindIsolation);
    Result<Unit> open_root();
    Result<Unit> make_root();
    Result<StateFolder> folder(std::string const& id) const;

    std::string m_root_path;
    FindIsolation m_find;
    File m_root; // closed: it does not exist
};

// Where --root points without the option: /run/bulkhead for root, else below $XDG_RUNTIME_DIR or /tmp.
std::string default_root();

} // namespace bulkhead::container
