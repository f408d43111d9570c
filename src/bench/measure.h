// Commands run and measured.
#pragma once

#include "bench/results.h"
#include "bench/workspace.h"

#include <string>
#include <vector>

namespace bulkhead::bench {

using Command = std::vector<std::string>; // the first word is the program's path

// One command, from fork to its end, by a tiny process of its own. An end other than 0 is an error that quotes the last
// line of what the command said.
Result<Sample> measure(Workspace const&, Command const&);
// The same without a measurement; output is thrown away.
Result<Unit> run(Workspace const&, Command const&);
// Every chain of commands at once, one after the other inside a chain. The whole time in milliseconds.
Result<double> run_at_once(Workspace const&, std::vector<std::vector<Command>> const& chains);

// Ctrl-C ends the current measurement with an error, so that everything is cleaned up.
void catch_interrupts();
bool was_interrupted();

} // namespace bulkhead::bench
