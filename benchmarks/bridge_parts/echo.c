/* A stdio MCP server of the least possible cost: what is measured in front of it is the bridge.
 * Any tool gives the same answer, but for one that is called "die". Build: cc -O2 [-static] echo.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *line;
static size_t room;

int main(void)
{
    static char out[1 << 16];
    setvbuf(stdout, out, _IOFBF, sizeof out);
    ssize_t length;
    while ((length = getline(&line, &room, stdin)) > 0) {
        char *id = strstr(line, "\"id\":");
        if (strstr(line, "\"die\""))
            _exit(3);
        if (!id || !strstr(line, "\"method\":"))
            continue;
        id += 5;
        while (*id == ' ')
            id++;
        size_t digits = *id == '"' ? strcspn(id + 1, "\"") + 2 : strcspn(id, ",}");
        const char *result;
        if (strstr(line, "\"initialize\""))
            result = "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{}},"
                     "\"serverInfo\":{\"name\":\"echo\",\"version\":\"1\"}}";
        else if (strstr(line, "\"tools/list\""))
            result = "{\"tools\":[{\"name\":\"echo\",\"inputSchema\":{\"type\":\"object\"}}]}";
        else if (strstr(line, "\"tools/call\""))
            result = "{\"content\":[{\"type\":\"text\",\"text\":\"the echo of a call\"}]}";
        else if (strstr(line, "\"ping\""))
            result = "{}";
        else {
            printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32601,\"message\":\"no such method\"}}\n",
                   (int)digits, id);
            fflush(stdout);
            continue;
        }
        printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":%s}\n", (int)digits, id, result);
        fflush(stdout);
    }
    return 0;
}
