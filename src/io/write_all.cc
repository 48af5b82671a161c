#include "io/write_all.h"

#include <unistd.h>

#include "io/system_error.h"

namespace weir::io {
namespace {

template <class Write>
Result<void> write_rest(std::string_view bytes, const std::string& name, Write write) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = write(bytes.data() + done, bytes.size() - done, done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(system_error("write", name));
    done += static_cast<size_t>(count);
  }
  return {};
}

}  // namespace

Result<void> write_all(int descriptor, std::string_view bytes, const std::string& name) {
  return write_rest(bytes, name, [&](const char* data, size_t count, size_t) {
    return ::write(descriptor, data, count);
  });
}

Result<void> write_all_at(int descriptor, std::string_view bytes, uint64_t offset,
                          const std::string& name) {
  return write_rest(bytes, name, [&](const char* data, size_t count, size_t done) {
    return ::pwrite(descriptor, data, count, static_cast<off_t>(offset + done));
  });
}

}  // namespace weir::io
