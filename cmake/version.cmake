# Writes what code_version() says; run at every build, so that a result names the commit that made it.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(commit)
  string(APPEND VERSION "+${commit}")
endif()
configure_file(${SOURCE}/tools/support/version.cpp.in ${OUTPUT} @ONLY)
