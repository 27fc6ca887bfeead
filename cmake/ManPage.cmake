# cmake -DOUTPUT=FILE "-DARGUMENTS=COMMAND;ARGUMENT;..." -P ManPage.cmake: keeps what a command prints.
execute_process(COMMAND ${ARGUMENTS} OUTPUT_FILE "${OUTPUT}" COMMAND_ERROR_IS_FATAL ANY)
