#include "io/free_memory.h"

#include <malloc.h>

namespace weir::io {

void release_free_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace weir::io
