/** SIPp scenario elements as text. Attributes are ours and hold nothing that XML would want escaped. */

type Attributes = Readonly<Record<string, string | number | boolean>>;

function element(name: string, attributes: Attributes, content = ''): string {
  const written = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${String(value)}"`)
    .join('');
  return content === '' ? `<${name}${written}/>` : `<${name}${written}>\n${content}\n</${name}>`;
}

export function send(message: string, attributes: Attributes = {}): string {
  return element('send', attributes, `<![CDATA[\n\n${message}\n]]>`);
}

export function recv(attributes: Attributes, ...actions: string[]): string {
  return element('recv', attributes, withActions(actions));
}

export function nop(attributes: Attributes, ...actions: string[]): string {
  return element('nop', attributes, withActions(actions));
}

export function pause(attributes: Attributes): string {
  return element('pause', attributes);
}

export function label(id: string): string {
  return element('label', { id });
}

export function action(name: string, attributes: Attributes): string {
  return element(name, attributes);
}

export function scenario(name: string, steps: readonly string[], unusedVariables: readonly string[]): string {
  const references =
    unusedVariables.length === 0 ? [] : [element('Reference', { variables: unusedVariables.join(',') })];
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('scenario', { name }, [...steps, ...references].join('\n'))}\n`;
}

function withActions(actions: readonly string[]): string {
  return actions.length === 0 ? '' : `<action>\n${actions.join('\n')}\n</action>`;
}
