/** What is answered: a status and JSON, or a cut connection. */
export type Answer = { readonly status: number; readonly body: unknown } | 'reset';

export const unauthorizedV4: Answer = {
  status: 401,
  body: {
    error: {
      type: 'https://api.homer/errors/unauthorized',
      title: 'Unauthorized',
      status: 401,
      detail: 'Invalid token',
    },
  },
};

export function errorV4(status: number, title: string, detail: string): Answer {
  return { status, body: { error: { type: 'https://api.homer/errors/internal', title, status, detail } } };
}
