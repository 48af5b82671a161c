#include "io/descriptor.h"

#include <unistd.h>

namespace weir::io {

void Descriptor::close() {
  // Linux frees the number also when close() fails or is interrupted: never call it twice.
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

}  // namespace weir::io
