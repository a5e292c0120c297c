// Where the last failed assertion of a model is; its context counts it as an error, and standard
// output names its module. Verilator's own vl_stop ends the process.
#include <string>

static thread_local std::string assertion;

const char* failed_assertion() { return assertion.c_str(); }

void vl_stop(const char* file, int line, const char*) {
    assertion = std::string("an assertion fails: ") + file + ":" + std::to_string(line);
}
