#pragma once

namespace weir::io {

/// Gives the memory that is free inside the allocator's heaps back to the system. glibc does so by
/// itself only at a heap's end: a large piece of work that ended leaves what it freed below the
/// first thing that stayed. Any thread; takes a few milliseconds for tens of megabytes.
void release_free_memory();

}  // namespace weir::io
