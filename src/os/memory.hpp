// What a process keeps in memory.
#pragma once

namespace curfew::os {

// For a process that has done most of its work at its start and then waits for hours: gives free heap back, and unmaps
// the program's own code and constants, which come back from the page cache as they're needed (madvise(2),
// MADV_DONTNEED). Changes nothing else and can't fail in a way that matters.
void release_start_memory();

}  // namespace curfew::os
